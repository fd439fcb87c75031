"""Keep the annotations of all filters alone, in one small table."""

from typing import Any

from featurelens.concepts import columns_of, kept_terms
from featurelens.conventions import CONVENTIONS
from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    features = read_anndata(snakemake.input.features).var_names.astype(str)
    tables = {
        name: read_table(snakemake.input[name], columns=columns_of(name)) for name in CONVENTIONS
    }
    kept = kept_terms(tables, features)
    log(f"annotations: {kept.groupby('filter', sort=False).size().to_dict()}")
    write_table(kept, snakemake.output.table)
