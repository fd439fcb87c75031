"""Enrich gene sets in every feature, beside a null of permuted cells."""

from pathlib import Path
from typing import Any

from featurelens.annotation import annotate_bundle
from featurelens.config import build
from featurelens.dge import DgeConfig
from featurelens.embeddings.bundle import read_bundle
from featurelens.enrichment import EnrichmentConfig
from featurelens.genesets import read_gmt
from featurelens.io import read_anndata, read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    params = snakemake.params
    annotation = annotate_bundle(
        read_table(snakemake.input.dge),
        read_bundle(Path(snakemake.input.cells).parent),
        read_anndata(snakemake.input.features).X,
        read_gmt(params.collection),
        dge_config=build(DgeConfig, params.dge),
        config=build(EnrichmentConfig, params.config),
        convention=params.convention,
        log=log,
    )
    write_table(annotation.enrichment, snakemake.output.table)
    write_table(annotation.null, snakemake.output.null)
