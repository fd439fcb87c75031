"""Download one file of others."""

from typing import Any

from featurelens.config import build
from featurelens.logs import job_log
from featurelens.resources import DownloadConfig, fetch_resource

snakemake: Any

with job_log(snakemake.log[0]) as log:
    config = build(DownloadConfig, snakemake.params.config)
    fetch_resource(config, snakemake.output[0], log=log)
