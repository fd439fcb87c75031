"""Join the stacks of a sweep; every planned point must be there."""

from typing import Any

from featurelens.io import write_table
from featurelens.logs import job_log
from featurelens.sweeps.collect import collect_points, index_points

snakemake: Any

with job_log(snakemake.log[0], snakemake.resources) as log:
    planned = snakemake.params.points
    points = collect_points(snakemake.input.points, [point["id"] for point in planned])
    log(f"{len(points)} points, {(points.status != 'ok').sum()} failed")
    write_table(index_points(planned), snakemake.output.index)
    write_table(points, snakemake.output.points)
