"""Draw Figure S22: the concept spaces in two layouts."""

from typing import Any

from featurelens.figures.figure_S22 import draw_figure_S22
from featurelens.figures.parts.style import save
from featurelens.io import read_anndata
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    spaces = map(read_anndata, snakemake.input.concepts)
    figure = draw_figure_S22(dict(zip(snakemake.params.names, spaces, strict=True)))
    save(figure, snakemake.output.pdf, snakemake.output.png)
