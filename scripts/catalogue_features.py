"""List every feature of an SAE, beside those of its other seeds."""

from typing import Any

from featurelens.features.catalogue import catalogue
from featurelens.features.seeds import compare_seeds
from featurelens.io import read_anndata, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    features = read_anndata(snakemake.input.features)
    names, files = snakemake.params.seeds, snakemake.input.seeds
    others = {name: read_anndata(file) for name, file in zip(names, files, strict=True)}
    runs, stability = compare_seeds(snakemake.params.name, features, others)
    log(runs.to_string(index=False))
    table = catalogue(features.var, stability, min_cells=snakemake.params.min_cells)
    write_table(table, snakemake.output.catalogue)
    write_table(runs, snakemake.output.seeds)
