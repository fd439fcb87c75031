"""Look at every file that the user brought, before anything is computed."""

from typing import Any

from featurelens.inputs import check_inputs
from featurelens.io import write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    write_table(check_inputs(**snakemake.params.config), snakemake.output[0])
