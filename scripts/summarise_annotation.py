"""Join the summaries of every contrast and convention."""

from typing import Any

from featurelens.io import join_tables
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    join_tables(snakemake.input.summaries, snakemake.output.table)
