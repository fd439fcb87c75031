"""Look at every file that the user brought, and write down the config that was made of theirs."""

from typing import Any

import yaml

from featurelens.io import atomic_path, write_table
from featurelens.logs import job_log
from featurelens.planning.inputs import check_inputs
from featurelens.planning.software import software

snakemake: Any

with job_log(snakemake.log[0]):
    write_table(check_inputs(**snakemake.params.files), snakemake.output.inputs)
    write_table(software(), snakemake.output.versions)
    with atomic_path(snakemake.output.config) as path:
        text = yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True)
        path.write_text(text)
