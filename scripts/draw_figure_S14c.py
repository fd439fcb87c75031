"""Draw part c of Figure S14: sweeps over real cells beside those over simulated ones."""

from typing import Any

from featurelens.figures.figure_S14 import draw_figure_S14c
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_S14c(read_table(snakemake.input.points), snakemake.params.real)
    save(figure, snakemake.output.pdf, snakemake.output.png)
