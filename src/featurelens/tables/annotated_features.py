"""One row per live feature: its type and cell type, the genes that rise and fall with it, and the
gene sets it carries under the corrected and the published convention. Begin here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from featurelens.dge.feature_tables import iter_feature_tables
from featurelens.enrichment.filters import read_kept
from featurelens.features.activations import read_without_activations
from featurelens.features.annotated import DGE_COLUMNS, annotated_features

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

INPUTS = {
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
    "dge": "dge/{dataset}/{model}/{sae}/global_corrected.parquet",
    "published": "enrichment/{dataset}/{model}/{sae}/{collection}/global_published.parquet",
    "corrected": "enrichment/{dataset}/{model}/{sae}/{collection}/global_corrected.parquet",
    "confirmed": "enrichment/{dataset}/{model}/{sae}/{collection}/{confirmed}.tsv?",
}
PARAMS = {"min_cells": "{min_cells}"}
READERS = {
    "features": read_without_activations,
    "dge": partial(iter_feature_tables, columns=DGE_COLUMNS),
    "published": read_kept,
    "corrected": read_kept,
}
"""Genes of one feature after the other, of enrichment only what is kept."""


def tabulate(
    features: AnnData,
    dge: Iterable[pd.DataFrame],
    published: pd.DataFrame,
    corrected: pd.DataFrame,
    confirmed: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    *,
    min_cells: int,
) -> pd.DataFrame:
    """:func:`featurelens.features.annotated.annotated_features` of one SAE and collection.

    ``confirmed`` is empty where terms were not confirmed on held-out cells.
    """
    found = {"published": published, "corrected": corrected}
    pairs = None if isinstance(confirmed, Mapping) else confirmed
    return annotated_features(features.var, dge, found, min_cells=min_cells, confirmed=pairs)
