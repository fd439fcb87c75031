"""Draw Figure 2: a global feature, steering with it, and local features."""

from typing import Any

from featurelens.figures.figure_2 import draw_figure_2
from featurelens.figures.parts.style import save
from featurelens.io import read_anndata, read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_2(
        read_anndata(snakemake.input.features),
        read_anndata(snakemake.input.trajectories),
        read_table(snakemake.input.selected),
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
