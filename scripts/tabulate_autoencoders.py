"""Write Table S3: structures and training of all autoencoders."""

from typing import Any

from featurelens.io import write_table
from featurelens.logs import job_log
from featurelens.tables.autoencoders import describe_autoencoders

snakemake: Any

with job_log(snakemake.log[0]):
    write_table(describe_autoencoders(snakemake.params.n_observed), snakemake.output.table)
