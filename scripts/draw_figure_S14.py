"""Draw Figure S14: the sweeps over real cells."""

from typing import Any

from featurelens.figures.figure_S14 import draw_figure_S14
from featurelens.figures.parts.style import save
from featurelens.io import read_table, read_tables
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    curves = read_tables(snakemake.params.sweeps, snakemake.input.curves)
    figure = draw_figure_S14(read_table(snakemake.input.table), curves)
    save(figure, snakemake.output.pdf, snakemake.output.png)
