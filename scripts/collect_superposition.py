"""Join the superposition scores of all autoencoders."""

from typing import Any

from featurelens.io import write_table
from featurelens.logs import job_log
from featurelens.tables.superposition import collect_superposition

snakemake: Any

with job_log(snakemake.log[0]):
    write_table(collect_superposition(snakemake.params.folders), snakemake.output.table)
