"""Measure the points of a sweep, or of one of its stacks, in one way."""

from typing import Any

from featurelens.io import write_table
from featurelens.logs import job_log
from featurelens.sweeps.measuring import measure_points

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    params = snakemake.params
    tables = measure_points(
        params.measure,
        dict(snakemake.input.items()),
        params.store,
        n_cells=params.n_cells,
        params=params.values,
        log=log,
    )
    for table, path in zip(tables, snakemake.output, strict=True):
        write_table(table, path)
