"""Draw Figure S4: losses and recovery of the small sweep."""

from typing import Any

from featurelens.figures.figure_S4 import draw_figure_S4
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_S4(
        read_table(snakemake.input.points), read_table(snakemake.input.recovery)
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
