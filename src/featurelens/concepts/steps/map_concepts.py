"""Lay out features by their terms, under the run's filter and that of the paper's figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.space import map_concepts
from featurelens.enrichment.config import PAPER_FILTER
from featurelens.options import build

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {
    "kept": "concepts/{dataset}/{model}/{sae}/{collection}/kept_terms.parquet",
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
    "terms": "genesets/{collection}/terms.tsv",
}
OUTPUTS = {
    "concepts": "concepts/{dataset}/{model}/{sae}/{collection}/concepts.h5ad",
    "published": "concepts/{dataset}/{model}/{sae}/{collection}/concepts_published.h5ad",
}
PARAMS = {"config": "concepts"}
MEMORY = "map"
MINUTES = 60


def make(
    kept: pd.DataFrame,
    features: AnnData,
    terms: pd.DataFrame,
    *,
    config: Mapping[str, Any],
    means: Means,
) -> tuple[AnnData, AnnData]:
    """Map the concepts of a source under both filters."""
    own = build(ConceptConfig, config)
    made = []
    for chosen in (own, replace(own, filter=PAPER_FILTER)):
        concepts = map_concepts(kept, features.var, chosen, terms)
        means.log(f"{chosen.filter}: {concepts.n_obs} features, {concepts.n_vars} terms")
        means.log(f"labels that are ties: {concepts.uns['n_tied']}")
        made.append(concepts)
    return made[0], made[1]
