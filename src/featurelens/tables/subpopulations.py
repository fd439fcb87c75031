"""Whether local features split their cell type where measured genes differ and no clustering of the
embedding shows it: share_with_genes do the one (at least 10 genes, q below .05, twofold),
share_unseen the other (adjusted mutual information below 0.1 with every k-means clustering of the
type into 2 to 5), share_revealing both. null_*: random directions of the embedding that are active
in as many cells of the type. The paper says that local features reveal subpopulations, and has no
measure for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.features.locality import local_types
from featurelens.features.subpopulations import Rules, judge_splits

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {
    "features": "features/{paper_sae}/features.h5ad",
    "cells": "embeddings/{paper_sae.embedding}/cells.h5ad",
}
PARAMS = {"name": "{paper_sae}"}
MEMORY = 24000


def tabulate(features: AnnData, cells: AnnData, *, name: str) -> pd.DataFrame:
    """Shares of local features that reveal a subpopulation, under both rules of locality.

    Parameters
    ----------
    features
        ``features.h5ad`` of one SAE.
    cells
        Cells of its bundle, with log1p expression in X.
    name
        dataset/model/sae.

    Returns
    -------
    DataFrame
        sae, convention, n_local, n_features (that split their type into two groups of enough
        cells), share_with_genes, share_unseen and share_revealing (of these), and the same of the
        null behind ``null_``; NaN where no feature splits its type.
    """
    rules = Rules()
    rows = []
    for convention in CONVENTIONS:
        named = local_types(features, convention)
        local = pd.Series(named.to_numpy(), index=features.var_names.get_indexer(named.index))
        found = judge_splits(
            features.X,
            local,
            features.obs["cell_type"].astype(str).tolist(),
            features.obsm["X_emb"],
            cells.X,
            rules=rules,
        )
        row: dict[str, object] = {"sae": name, "convention": convention}
        row |= {"n_local": len(local), "n_features": len(found)}
        for prefix in ("", "null_"):
            genes = found[f"{prefix}n_genes"] >= rules.min_genes
            unseen = found[f"{prefix}agreement"] < rules.max_agreement
            row |= {
                f"{prefix}share_with_genes": genes.mean(),
                f"{prefix}share_unseen": unseen.mean(),
                f"{prefix}share_revealing": (genes & unseen).mean(),
            }
        rows.append(row)
    return pd.DataFrame(rows)
