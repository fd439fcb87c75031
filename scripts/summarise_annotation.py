"""Compare the share of annotated features with its null."""

from typing import Any

import pandas as pd

from featurelens.enrichment import summarise
from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    n_live = int((read_anndata(snakemake.input.features).var["n_active"] > 0).sum())
    files = zip(
        snakemake.params.conventions, snakemake.input.tables, snakemake.input.nulls, strict=True
    )
    summaries = [
        summarise(read_table(table), n_live, read_table(null)).assign(convention=convention)
        for convention, table, null in files
    ]
    write_table(pd.concat(summaries), snakemake.output.table)
