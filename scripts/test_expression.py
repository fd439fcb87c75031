"""Test every gene between the high and the low cells of every feature."""

from pathlib import Path
from typing import Any

from featurelens.annotation import test_bundle
from featurelens.config import build
from featurelens.dge import DgeConfig
from featurelens.embeddings.bundle import read_bundle
from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    table = test_bundle(
        read_bundle(Path(snakemake.input.bundle).parent),
        read_anndata(snakemake.input.features).X,
        config=build(DgeConfig, snakemake.params.config),
        convention=snakemake.params.convention,
        log=log,
    )
    write_table(table, snakemake.output.table)
