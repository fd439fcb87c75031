"""Test every gene between the high and the low cells of every feature."""

from pathlib import Path
from typing import Any

from featurelens.config import build
from featurelens.dge import DgeConfig, iter_bundle_tests, write_feature_tables
from featurelens.embeddings.bundle import read_bundle
from featurelens.io import read_anndata
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    tables = iter_bundle_tests(
        read_bundle(Path(snakemake.input.bundle).parent),
        read_anndata(snakemake.input.features),
        config=build(DgeConfig, snakemake.params.config),
        convention=snakemake.params.convention,
        contrast=snakemake.params.contrast,
        threads=snakemake.threads,
        log=log,
    )
    write_feature_tables(tables, snakemake.output.table)
