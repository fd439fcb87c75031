"""Describe every feature of a source: of an SAE with which cells are encoded, or of a control."""

from typing import Any

from featurelens.controls.config import ControlConfig
from featurelens.controls.described import describe_source
from featurelens.embeddings.counts import read_in_file
from featurelens.embeddings.token_rows import token_rows_of
from featurelens.features.config import FeatureConfig
from featurelens.io import write_anndata
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    features = describe_source(
        read_in_file(snakemake.input.bundle),
        snakemake.params.source,
        weights=snakemake.input.sae,
        config=build(FeatureConfig, snakemake.params.config),
        controls=build(ControlConfig, snakemake.params.controls),
        tokens=token_rows_of(snakemake.input.bundle),
        log=log,
    )
    write_anndata(features, snakemake.output.features)
