"""List every live feature with its genes and terms."""

from typing import Any

from featurelens.dge.feature_tables import iter_feature_tables
from featurelens.enrichment.filters import read_kept
from featurelens.features.annotated import DGE_COLUMNS, annotated_features
from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    table = annotated_features(
        read_anndata(snakemake.input.features).var,
        iter_feature_tables(snakemake.input.dge, DGE_COLUMNS),
        {
            "published": read_kept(snakemake.input.published),
            "corrected": read_kept(snakemake.input.corrected),
        },
    )
    write_table(table, snakemake.output.table)
