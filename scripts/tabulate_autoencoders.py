"""Write Table S3: structures and training of all autoencoders."""

from typing import Any

from featurelens.autoencoder_table import describe_autoencoders
from featurelens.io import write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    write_table(describe_autoencoders(snakemake.params.n_observed), snakemake.output.table)
