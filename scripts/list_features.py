"""List every live feature with its genes and terms."""

from typing import Any

from featurelens.annotated_features import annotated_features
from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]):
    table = annotated_features(
        read_anndata(snakemake.input.features).var,
        read_table(snakemake.input.dge),
        {
            "published": read_table(snakemake.input.published),
            "corrected": read_table(snakemake.input.corrected),
        },
    )
    write_table(table, snakemake.output.table)
