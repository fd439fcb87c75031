"""Draw Figures S5 to S12: hyperparameters of SAEs on the small simulation."""

from typing import Any

from featurelens.figures.parts.style import save
from featurelens.figures.sweep_figures import draw_sweep_figures
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figures = draw_sweep_figures(
        read_table(snakemake.input.points), read_table(snakemake.input.recovery)
    )
    for figure, pdf, png in zip(figures, snakemake.output.pdf, snakemake.output.png, strict=True):
        save(figure, pdf, png)
