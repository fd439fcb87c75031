"""Keep the annotations of all filters alone, in one small table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from featurelens.concepts.space import kept_terms
from featurelens.enrichment.filters import read_kept

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {
    "published": "enrichment/{dataset}/{model}/{sae}/{collection}/global_published.parquet",
    "corrected": "enrichment/{dataset}/{model}/{sae}/{collection}/global_corrected.parquet",
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
}
READERS = {"published": read_kept, "corrected": read_kept}
OUTPUTS = {"table": "concepts/{dataset}/{model}/{sae}/{collection}/kept_terms.parquet"}
MEMORY = "keep"
MINUTES = 30


def make(
    published: pd.DataFrame, corrected: pd.DataFrame, features: AnnData, *, means: Means
) -> pd.DataFrame:
    """Keep what any filter keeps of the global contrast, under both conventions."""
    names = features.var_names.astype(str)
    kept = kept_terms({"published": published, "corrected": corrected}, names)
    means.log(f"annotations: {kept.groupby('filter', sort=False).size().to_dict()}")
    return kept
