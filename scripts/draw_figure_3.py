"""Draw Figure 3: the concept spaces of embeddings."""

from typing import Any

from featurelens.figures.figure_3 import draw_figure_3
from featurelens.figures.parts.style import save
from featurelens.io import read_anndata
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_figure_3(
        dict(zip(snakemake.params.names, map(read_anndata, snakemake.input.concepts), strict=True)),
        probes=snakemake.params.probes,
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
