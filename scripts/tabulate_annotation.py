"""Write the table of all annotations."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.tables import annotation_summary

snakemake: Any

with job_log(snakemake.log[0]):
    names = snakemake.params.names
    summaries = read_tables(names, snakemake.input.summaries)
    published = read_tables(names, snakemake.input.published)
    corrected = read_tables(names, snakemake.input.corrected)
    both = {name: {"published": published[name], "corrected": corrected[name]} for name in names}
    write_table(annotation_summary(summaries, both), snakemake.output.annotation)
