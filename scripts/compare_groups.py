"""Compare every feature of a source between groups of cells."""

from typing import Any

from featurelens.features.comparisons import run_comparisons
from featurelens.features.config import ComparisonConfig
from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    features = read_anndata(snakemake.input.features)
    asked = snakemake.params.comparisons.items()
    comparisons = {name: build(ComparisonConfig, block) for name, block in asked}
    table, summary = run_comparisons(features, comparisons)
    log(summary.to_string(index=False))
    write_table(table, snakemake.output.table)
    write_table(summary, snakemake.output.summary)
