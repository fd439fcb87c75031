"""Measure the points of a stack on held-out cells and gather their loss curves."""

from pathlib import Path
from typing import Any

from featurelens.io import read_obsm, read_table, write_table
from featurelens.logs import job_log
from featurelens.sweeps.measures.held_out import measure_held_out, read_curves

snakemake: Any

with job_log(snakemake.log[0]) as log:
    points = read_table(snakemake.input.points)
    store = Path(snakemake.params.store) / snakemake.wildcards.stack
    embedding = read_obsm(snakemake.input.embedding)[: snakemake.params.n_cells]
    write_table(measure_held_out(embedding, points, store, log=log), snakemake.output.table)
    write_table(read_curves(points, store), snakemake.output.curves)
