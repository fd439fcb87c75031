"""Write the tables of all sweeps."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.tables.named import stack_named
from featurelens.tables.sweeps import (
    best_correlations,
    selected_points,
    sweep_grid,
    sweep_points,
    sweep_recovery,
)

snakemake: Any

with job_log(snakemake.log[0]):
    inputs, params = snakemake.input, snakemake.params
    points = read_tables(params.sweeps, inputs.points)
    recovery = read_tables(params.simulated, inputs.recovery)
    baselines = read_tables(params.simulated, inputs.baselines)
    correlations = {
        name: best_correlations(points[name], recovery[name], baselines[name]) for name in recovery
    }
    write_table(sweep_points(points), snakemake.output.points)
    write_table(sweep_recovery(points, recovery), snakemake.output.recovery)
    write_table(selected_points(points, recovery), snakemake.output.selected)
    write_table(sweep_grid(points), snakemake.output.grid)
    write_table(stack_named(correlations, "sweep"), snakemake.output.correlations)
    structure = read_tables(params.structured, inputs.structure)
    write_table(stack_named(structure, "sweep"), snakemake.output.structure)
    consistency = read_tables(params.seeded, inputs.consistency)
    write_table(stack_named(consistency, "sweep"), snakemake.output.consistency)
