"""Compare the dictionaries of a sweep with the true features of its simulation."""

from typing import Any

from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log
from featurelens.options import build
from featurelens.recovery.config import BaselineConfig
from featurelens.sweeps.measures.dictionaries import match_points

snakemake: Any

with job_log(snakemake.log[0]) as log:
    params = snakemake.params
    data = read_anndata(snakemake.input.data)
    points = read_table(snakemake.input.points)
    config = build(BaselineConfig, params.config)
    table = match_points(data, points, params.store, config, log=log)
    write_table(table, snakemake.output.table)
