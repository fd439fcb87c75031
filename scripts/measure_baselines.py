"""Decompose the observables linearly and measure what the components recover."""

from typing import Any

from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.recovery.baseline_scores import measure_baselines
from featurelens.recovery.config import BaselineConfig

snakemake: Any

with job_log(snakemake.log[0]) as log:
    data = read_anndata(snakemake.input.data)
    config = build(BaselineConfig, snakemake.params.config)
    write_table(measure_baselines(data, config, log=log), snakemake.output.table)
