"""Enrich gene sets in every feature, beside a null of permuted cells."""

from pathlib import Path
from typing import Any

from featurelens.annotation import annotate_bundle, lay_over
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
    config = build(EnrichmentConfig, params.config)
    bundle = read_bundle(Path(snakemake.input.cells).parent)
    membership = lay_over(bundle, read_gmt(snakemake.input.sets), config)
    log(membership.describe())
    annotation = annotate_bundle(
        read_table(snakemake.input.dge),
        bundle,
        read_anndata(snakemake.input.features).X,
        membership,
        dge_config=build(DgeConfig, params.dge),
        config=config,
        convention=params.convention,
    )
    write_table(annotation.enrichment, snakemake.output.table)
    write_table(annotation.null, snakemake.output.null)
