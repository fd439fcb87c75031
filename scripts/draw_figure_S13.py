"""Draw Figure S13: recovery of variables and of the connectivity."""

from typing import Any

from featurelens.figures.figure_S13 import draw_figure_S13
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    inputs, params = snakemake.input, snakemake.params
    figure = draw_figure_S13(
        read_table(inputs.points),
        read_table(inputs.recovery),
        read_table(inputs.structure),
        read_table(inputs.programs),
        read_table(inputs.baselines),
        read_table(inputs.superposition),
        sweeps=params.sweeps,
        select=params.select,
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
