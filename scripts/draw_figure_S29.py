"""Draw Figure S29: terms per feature and features per term."""

from typing import Any

from featurelens.figures.figure_S29 import draw_figure_S29
from featurelens.figures.parts.style import save
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_S29(
        read_table(snakemake.input.sizes),
        read_table(snakemake.input.per_feature),
        read_table(snakemake.input.frequencies),
        snakemake.params.names,
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
