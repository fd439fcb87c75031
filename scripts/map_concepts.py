"""Lay out features by the terms they carry, and keep the annotations alone in one table."""

from typing import Any

from featurelens.concepts import ConceptConfig, columns_of, kept_terms, map_concepts
from featurelens.config import build
from featurelens.conventions import CONVENTIONS
from featurelens.io import read_anndata, read_table, write_anndata, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    features = read_anndata(snakemake.input.features).var
    tables = {
        name: read_table(snakemake.input[name], columns=columns_of(name)) for name in CONVENTIONS
    }
    kept = kept_terms(tables, features.index.astype(str))
    log(f"annotations: {kept.groupby('filter', sort=False).size().to_dict()}")
    write_table(kept, snakemake.output.kept)
    config = build(ConceptConfig, snakemake.params.config)
    concepts = map_concepts(kept, features, config, read_table(snakemake.input.terms))
    log(f"{concepts.n_obs} features, {concepts.n_vars} terms")
    log(f"labels that are ties: {concepts.uns['n_tied']}")
    write_anndata(concepts, snakemake.output.concepts)
