"""Draw Figure S2: loss and recovery by the size of the autoencoder."""

from typing import Any

from featurelens.figures.figure_S2 import draw_figure_S2
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_S2(read_table(snakemake.input.superposition))
    save(figure, snakemake.output.pdf, snakemake.output.png)
