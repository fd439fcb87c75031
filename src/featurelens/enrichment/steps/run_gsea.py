"""Preranked GSEA of chosen features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from featurelens.dge.feature_tables import iter_feature_tables
from featurelens.embeddings.counts import read_genes
from featurelens.enrichment.config import EnrichmentConfig, GseaConfig
from featurelens.enrichment.gsea import chosen_features, run_gsea
from featurelens.genesets.files import read_gmt
from featurelens.genesets.overlay import overlay
from featurelens.options import build

if TYPE_CHECKING:
    import pandas as pd

    from featurelens.genesets.sets import GeneSets
    from featurelens.means import Means

INPUTS = {
    "table": "tables/features/{dataset}/{model}/{sae}/{collection}.tsv",
    "dge": "dge/{dataset}/{model}/{sae}/global_corrected.parquet",
    "genes": "embeddings/{dataset}/{model}/cells.h5ad",
    "sets": "genesets/{collection}/sets.gmt",
}
READERS = {"dge": iter_feature_tables, "genes": read_genes, "sets": read_gmt}
OUTPUTS = {
    "table": "gsea/{dataset}/{model}/{sae}/{collection}/gsea.tsv",
    "running": "gsea/{dataset}/{model}/{sae}/{collection}/running.parquet",
}
PARAMS = {"config": "gsea", "enrichment": "enrichment"}
MEMORY = 4000
MINUTES = 60


def make(
    table: pd.DataFrame,
    dge: Iterable[pd.DataFrame],
    genes: pd.DataFrame,
    sets: GeneSets,
    *,
    config: Mapping[str, Any],
    enrichment: Mapping[str, Any],
    means: Means,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run the features that the config chooses among the annotated ones of ``table``."""
    asked, sizes = build(GseaConfig, config), build(EnrichmentConfig, enrichment)
    membership = overlay(
        sets,
        genes,
        min_genes=sizes.min_genes,
        max_genes=sizes.max_genes,
        universe=sizes.universe,
    )
    means.log(membership.describe())
    chosen = list(chosen_features(table, asked).index)
    gsea = run_gsea(dge, membership, chosen, config=asked, log=means.log)
    return gsea.results, gsea.running
