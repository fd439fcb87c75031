"""Download one file of others."""

from typing import Any

from featurelens.downloads.config import DownloadConfig
from featurelens.downloads.resources import fetch_resource
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    config = build(DownloadConfig, snakemake.params.config)
    fetch_resource(config, snakemake.output[0], log=log)
