"""Measure what every SAE of a stack recovers of the simulation."""

from pathlib import Path
from typing import Any

from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log
from featurelens.sweeps.measures.recovery import measure_points

snakemake: Any

with job_log(snakemake.log[0]) as log:
    data = read_anndata(snakemake.input.data)
    embedding = read_anndata(snakemake.input.embedding)
    points = read_table(snakemake.input.points)
    store = Path(snakemake.params.store) / snakemake.wildcards.stack
    write_table(measure_points(data, embedding, points, store, log=log), snakemake.output.table)
