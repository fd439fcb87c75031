"""Draw the figure of controls: SAEs beside sources of features that are none."""

from typing import Any

from featurelens.figures.figure_controls import draw_figure_controls
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_controls(read_table(snakemake.input.table))
    save(figure, snakemake.output.pdf, snakemake.output.png)
