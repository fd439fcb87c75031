"""Make the page that leads to the atlas of every source of features."""

from typing import Any

from featurelens.atlas.overview import write_overview
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    log(write_overview(snakemake.input, snakemake.output.page, run=snakemake.params.run))
