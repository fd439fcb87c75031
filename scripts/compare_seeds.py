"""Compare the points of a sweep that differ by their seed alone."""

from typing import Any

from featurelens.io import read_obsm, read_table, write_table
from featurelens.logs import job_log
from featurelens.sweeps.measures.seeds import compare_seeds

snakemake: Any

with job_log(snakemake.log[0]) as log:
    embedding = read_obsm(snakemake.input.embedding)[: snakemake.params.n_cells]
    points = read_table(snakemake.input.points)
    table = compare_seeds(embedding, points, snakemake.params.store, log=log)
    write_table(table, snakemake.output.table)
