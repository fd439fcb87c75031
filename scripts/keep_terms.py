"""Keep the annotations of all filters alone, in one small table."""

from typing import Any

from featurelens.concepts.space import kept_terms
from featurelens.conventions import CONVENTIONS
from featurelens.enrichment.filters import read_kept
from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    features = read_anndata(snakemake.input.features).var_names.astype(str)
    kept = kept_terms({name: read_kept(snakemake.input[name]) for name in CONVENTIONS}, features)
    log(f"annotations: {kept.groupby('filter', sort=False).size().to_dict()}")
    write_table(kept, snakemake.output.table)
