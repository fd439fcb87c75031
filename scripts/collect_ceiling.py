"""Join what the observables of all simulations hold."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.recovery.superposition import group_scores
from featurelens.tables.named import stack_named

snakemake: Any

with job_log(snakemake.log[0]):
    tables = read_tables(snakemake.params.names, snakemake.input.tables)
    scores = {name: group_scores(table) for name, table in tables.items()}
    write_table(stack_named(scores, "simulation"), snakemake.output.table)
