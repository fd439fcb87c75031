"""Look at every file that the user brought, and write down the config that was made of theirs."""

from typing import Any

import yaml

from featurelens.io import write_table, write_text
from featurelens.logs import job_log
from featurelens.planning.check_text import check_and_describe
from featurelens.planning.software import software

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources):
    checked = check_and_describe(snakemake.params.files, snakemake.params.config)
    write_table(checked.files, snakemake.output.inputs)
    write_table(checked.sets, snakemake.output.sets)
    write_text(checked.text, snakemake.output.text)
    write_table(software(), snakemake.output.versions)
    text = yaml.safe_dump(snakemake.params.config, sort_keys=False, allow_unicode=True)
    write_text(text, snakemake.output.config)
