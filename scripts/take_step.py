"""Take one step of a study, as its file says."""

from typing import Any

from featurelens.logs import job_log
from featurelens.means import Means
from featurelens.steps import take_step

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    params = snakemake.params
    take_step(
        params.step,
        dict(snakemake.input.items()),
        snakemake.output,
        params=params.values,
        means=Means(snakemake.threads, params.device, log),
    )
