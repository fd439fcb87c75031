"""Join the held-out measures and loss curves of a sweep's stacks, in the order of its points."""

from typing import Any

from featurelens.io import read_table, write_table
from featurelens.logs import job_log
from featurelens.sweeps.collect import collect_rows

snakemake: Any

with job_log(snakemake.log[0]):
    points = read_table(snakemake.input.points)
    write_table(collect_rows(snakemake.input.held_out, points), snakemake.output.held_out)
    write_table(collect_rows(snakemake.input.curves, points), snakemake.output.curves)
