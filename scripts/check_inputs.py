"""Look at every file that the user brought, before anything is computed."""

from typing import Any

from featurelens.io import write_table
from featurelens.logs import job_log
from featurelens.planning.inputs import check_inputs

snakemake: Any

with job_log(snakemake.log[0]):
    write_table(check_inputs(**snakemake.params.config), snakemake.output[0])
