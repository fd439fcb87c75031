"""Write how much of every SAE is annotated."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.tables.annotation import annotation_summary

snakemake: Any

with job_log(snakemake.log[0]):
    summaries = read_tables(snakemake.params.names, snakemake.input.summaries)
    controls = read_tables(snakemake.params.controls, snakemake.input.controls)
    write_table(annotation_summary(summaries, controls), snakemake.output.annotation)
