"""Draw Figure 1: the question, the simulation, and what autoencoders hold."""

from typing import Any

from featurelens.figures.figure_1 import draw_figure_1
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_1(
        read_table(snakemake.input.superposition), read_table(snakemake.input.ceiling)
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
