"""Lay out features by their terms, under the run's filter and that of the paper's figures."""

from dataclasses import replace
from typing import Any

from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.space import map_concepts
from featurelens.enrichment.config import PAPER_FILTER
from featurelens.io import read_anndata, read_table, write_anndata
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    kept, terms = read_table(snakemake.input.kept), read_table(snakemake.input.terms)
    features = read_anndata(snakemake.input.features).var
    config = build(ConceptConfig, snakemake.params.config)
    for path, chosen in (
        (snakemake.output.concepts, config),
        (snakemake.output.published, replace(config, filter=PAPER_FILTER)),
    ):
        concepts = map_concepts(kept, features, chosen, terms)
        log(f"{chosen.filter}: {concepts.n_obs} features, {concepts.n_vars} terms")
        log(f"labels that are ties: {concepts.uns['n_tied']}")
        write_anndata(concepts, path)
