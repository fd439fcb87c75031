"""Draw the enrichment plots of the features that GSEA looked at."""

from typing import Any

from featurelens.figures.gsea import draw_gsea_figures
from featurelens.io import read_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    draw_gsea_figures(
        read_table(snakemake.input.gsea),
        read_table(snakemake.input.running),
        read_table(snakemake.input.table),
        snakemake.output.figures,
        ranked_by=snakemake.params.rank_by,
    )
