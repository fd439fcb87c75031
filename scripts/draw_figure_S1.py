"""Draw Figure S1: simulated cells beside real ones."""

from typing import Any

from featurelens.figures.figure_S1 import draw_figure_S1, real_cells, simulated_cells
from featurelens.figures.parts.style import save
from featurelens.io import read_anndata
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_S1(
        simulated_cells(read_anndata(snakemake.input.simulated)),
        real_cells(read_anndata(snakemake.input.real)),
        model=snakemake.params.model,
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
