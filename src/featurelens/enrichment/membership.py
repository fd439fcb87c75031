"""Gene sets over the genes of some cells, as the enrichment of a run asks for them."""

from __future__ import annotations

import pandas as pd

from featurelens.enrichment.config import EnrichmentConfig
from featurelens.genesets.overlay import overlay
from featurelens.genesets.sets import GeneSets, Membership


def lay_over(genes: pd.DataFrame, sets: GeneSets, config: EnrichmentConfig) -> Membership:
    """Gene sets of a testable size over the symbols of genes (``var`` of a bundle's cells)."""
    return overlay(
        sets,
        genes,
        min_genes=config.min_genes,
        max_genes=config.max_genes,
        universe=config.universe,
    )
