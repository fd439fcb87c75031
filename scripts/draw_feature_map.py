"""Draw an embedding by cell type, and where its best annotated features are active."""

from typing import Any

from featurelens.figures.feature_map import draw_feature_map
from featurelens.figures.parts.style import save
from featurelens.io import read_anndata, read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    figure = draw_feature_map(
        read_anndata(snakemake.input.features),
        read_table(snakemake.input.table),
        read_anndata(snakemake.input.layout),
    )
    save(figure, snakemake.output.pdf, snakemake.output.png)
