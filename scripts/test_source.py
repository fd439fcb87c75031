"""Describe the features of a source on few cells, and test every gene in all the ways asked for."""

from pathlib import Path
from typing import Any

from featurelens.controls.config import ControlConfig
from featurelens.controls.described import describe_source
from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import write_feature_tables
from featurelens.dge.tables import iter_bundle_ways
from featurelens.embeddings.bundle import read_bundle
from featurelens.embeddings.token_rows import token_rows_of
from featurelens.features.config import FeatureConfig
from featurelens.io import write_anndata
from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    params, made = snakemake.params, snakemake.output
    bundle = read_bundle(Path(snakemake.input.bundle[0]).parent)
    features = describe_source(
        bundle.cells,
        params.source,
        weights=snakemake.input.sae,
        config=build(FeatureConfig, params.features),
        controls=build(ControlConfig, params.controls),
        tokens=token_rows_of(snakemake.input.bundle[0]),
        log=log,
    )
    write_anndata(features, made.features)
    config, means = build(DgeConfig, params.config), Means(snakemake.threads, log=log)
    ways = iter_bundle_ways(bundle, features.X, params.tests, config=config, means=means)
    for tables, path in zip(ways, made.dge, strict=True):
        write_feature_tables(tables, path)
