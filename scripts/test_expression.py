"""Test every gene between the high and the low cells of every feature."""

from pathlib import Path
from typing import Any

from featurelens.dge.config import DgeConfig
from featurelens.dge.feature_tables import write_feature_tables
from featurelens.dge.tables import iter_bundle_tests
from featurelens.embeddings.bundle import read_bundle
from featurelens.io import read_anndata, require_same_names
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    bundle = read_bundle(Path(snakemake.input.bundle[0]).parent)
    features = read_anndata(snakemake.input.features)
    require_same_names(
        bundle.cells.obs_names,
        features.obs_names,
        snakemake.input.bundle[0],
        snakemake.input.features,
    )
    tables = iter_bundle_tests(
        bundle,
        features.X,
        config=build(DgeConfig, snakemake.params.config),
        convention=snakemake.params.convention,
        contrast=snakemake.params.contrast,
        threads=snakemake.threads,
        device=snakemake.params.device,
        log=log,
    )
    write_feature_tables(tables, snakemake.output.table)
