"""Write the table of all sweeps over real cells."""

from typing import Any

from featurelens.io import read_tables, write_table
from featurelens.logs import job_log
from featurelens.tables.cell_sweeps import cell_sweeps

snakemake: Any

with job_log(snakemake.log[0]):
    points = read_tables(snakemake.params.sweeps, snakemake.input.points)
    held_out = read_tables(snakemake.params.sweeps, snakemake.input.held_out)
    write_table(cell_sweeps(points, held_out), snakemake.output.table)
