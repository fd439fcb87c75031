"""Write the diagnostics of all embeddings as one table."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.tables.named import stack_named

snakemake: Any

with job_log(snakemake.log[0]):
    diagnostics = read_tables(snakemake.params.bundles, snakemake.input.diagnostics)
    write_table(stack_named(diagnostics, "embedding"), snakemake.output.table)
