"""Preranked GSEA of chosen features."""

from typing import Any

from featurelens.dge.feature_tables import iter_feature_tables
from featurelens.enrichment.config import EnrichmentConfig, GseaConfig
from featurelens.enrichment.gsea import chosen_features, run_gsea
from featurelens.genesets.files import read_gmt
from featurelens.genesets.overlay import overlay
from featurelens.io import read_genes, read_table, write_table
from featurelens.logs import job_log
from featurelens.options import build

snakemake: Any

with job_log(snakemake.log[0]) as log:
    config = build(GseaConfig, snakemake.params.config)
    sizes = build(EnrichmentConfig, snakemake.params.enrichment)
    chosen = chosen_features(read_table(snakemake.input.table), config)
    membership = overlay(
        read_gmt(snakemake.input.sets),
        read_genes(snakemake.input.cells),
        min_genes=sizes.min_genes,
        max_genes=sizes.max_genes,
        universe=sizes.universe,
    )
    log(membership.describe())
    gsea = run_gsea(
        iter_feature_tables(snakemake.input.dge),
        membership,
        list(chosen.index),
        config=config,
        log=log,
    )
    write_table(gsea.results, snakemake.output.table)
    write_table(gsea.running, snakemake.output.running)
