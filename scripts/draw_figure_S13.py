"""Draw Figure S13: recovery of the connectivity."""

from typing import Any

from featurelens.figures.figure_S13 import draw_figure_S13
from featurelens.figures.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_S13(
        read_table(snakemake.input.structure),
        read_table(snakemake.input.points),
        read_table(snakemake.input.recovery),
        read_table(snakemake.input.baselines),
        read_table(snakemake.input.superposition),
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
