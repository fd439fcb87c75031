"""Draw Figure S32: the concepts of two embeddings against each other."""

from typing import Any

from featurelens.figures.figure_S32 import draw_figure_S32
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    comparison = read_table(snakemake.input.comparison)
    figure = draw_figure_S32(comparison, read_table(snakemake.input.frequencies))
    save(figure, snakemake.output.pdf, snakemake.output.png)
