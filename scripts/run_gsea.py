"""Preranked GSEA of chosen features."""

from typing import Any

from featurelens.config import build
from featurelens.dge import iter_feature_tables
from featurelens.enrichment import EnrichmentConfig
from featurelens.genesets import read_gmt
from featurelens.gsea import GseaConfig, chosen_features, run_gsea
from featurelens.io import read_table, write_table
from featurelens.logs import job_log

snakemake: Any

with job_log(snakemake.log[0]) as log:
    config = build(GseaConfig, snakemake.params.config)
    chosen = chosen_features(read_table(snakemake.input.table), config)
    gsea = run_gsea(
        iter_feature_tables(snakemake.input.dge),
        read_gmt(snakemake.input.sets),
        list(chosen.index),
        config=config,
        sizes=build(EnrichmentConfig, snakemake.params.enrichment),
        log=log,
    )
    write_table(gsea.results, snakemake.output.table)
    write_table(gsea.running, snakemake.output.running)
