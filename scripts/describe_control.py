"""Describe the features of a control of the cells: components of expression, or dimensions."""

from typing import Any

from featurelens.controls.components import describe_control
from featurelens.controls.config import ControlConfig
from featurelens.features.config import FeatureConfig
from featurelens.features.sources import parse_source
from featurelens.io import read_anndata, write_anndata
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    features = describe_control(
        read_anndata(snakemake.input.bundle),
        parse_source(snakemake.params.source),
        config=build(ControlConfig, snakemake.params.controls),
        features=build(FeatureConfig, snakemake.params.config),
        log=log,
    )
    write_anndata(features, snakemake.output.features)
