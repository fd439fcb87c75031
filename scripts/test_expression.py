"""Test every gene between the high and the low cells of every feature."""

from pathlib import Path
from typing import Any

from featurelens.config import build
from featurelens.decoders import expression
from featurelens.dge import DgeConfig, test_expression
from featurelens.embeddings.bundle import read_bundle
from featurelens.genesets import unique_symbols
from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    config = build(DgeConfig, snakemake.params.config)
    bundle = read_bundle(Path(snakemake.input.bundle).parent)
    activations = read_anndata(snakemake.input.features).X
    table = test_expression(
        activations,
        expression(bundle, library=config.library, source=config.expression),
        unique_symbols(bundle.cells.var["symbol"]),
        config=config,
        convention=snakemake.params.convention,
        log=log,
    )
    write_table(table, snakemake.output.table)
