"""Join what was measured on the stacks of a sweep, in the order of its points."""

from typing import Any

from featurelens.io import read_table, write_table
from featurelens.logs import job_log
from featurelens.sweeps.collect import collect_rows

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources):
    points = read_table(snakemake.input.points)
    for name, path in snakemake.output.items():
        write_table(collect_rows(snakemake.input[name], points), path)
