"""Lay out features by the terms they carry."""

from typing import Any

from featurelens.concepts import ConceptConfig, map_concepts
from featurelens.config import build
from featurelens.io import read_anndata, read_table, write_anndata
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    enrichment = read_table(snakemake.input.table)
    features = read_anndata(snakemake.input.features)
    config = build(ConceptConfig, snakemake.params.config)
    write_anndata(map_concepts(enrichment, features.var, config), snakemake.output.concepts)
