"""Join the intrinsic dimensions of all hierarchical simulations."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.tables.named import stack_named

snakemake: Any

with job_log(snakemake.log[0]):
    tables = read_tables(snakemake.params.names, snakemake.input.tables)
    write_table(stack_named(tables, "simulation"), snakemake.output.table)
