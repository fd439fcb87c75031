"""Enrich gene sets in every feature, beside the nulls."""

from pathlib import Path
from typing import Any

from featurelens.dge.config import DgeConfig
from featurelens.embeddings.bundle import read_bundle
from featurelens.enrichment.annotate_bundle import annotate_bundle, lay_over
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.term_tests import GeneTables
from featurelens.genesets.files import read_gmt
from featurelens.io import read_anndata, write_table, write_tables
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    params = snakemake.params
    config = build(EnrichmentConfig, params.config)
    bundle = read_bundle(Path(snakemake.input.bundle[0]).parent)
    membership = lay_over(bundle, read_gmt(snakemake.input.sets), config)
    log(membership.describe())
    annotation = annotate_bundle(
        GeneTables(Path(snakemake.input.dge), membership),
        bundle,
        read_anndata(snakemake.input.features).X,
        membership,
        dge_config=build(DgeConfig, params.dge),
        config=config,
        convention=params.convention,
        contrast=params.contrast,
        threads=snakemake.threads,
        device=snakemake.params.device,
        log=log,
    )
    write_tables(annotation.tables(), snakemake.output.table)
    write_table(annotation.null, snakemake.output.null)
    write_table(annotation.summary, snakemake.output.summary)
