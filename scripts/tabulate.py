"""Make the tables of a job, each from the inputs that its file names."""

from typing import Any

from featurelens.logs import job_log
from featurelens.tables.making import make_tables

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    make_tables(snakemake.params.tables, snakemake.input, snakemake.output, log=log)
