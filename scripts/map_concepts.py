"""Lay out features by the terms they carry."""

from typing import Any

from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.space import map_concepts
from featurelens.io import read_anndata, read_table, write_anndata
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    concepts = map_concepts(
        read_table(snakemake.input.kept),
        read_anndata(snakemake.input.features).var,
        build(ConceptConfig, snakemake.params.config),
        read_table(snakemake.input.terms),
    )
    log(f"{concepts.n_obs} features, {concepts.n_vars} terms")
    log(f"labels that are ties: {concepts.uns['n_tied']}")
    write_anndata(concepts, snakemake.output.concepts)
