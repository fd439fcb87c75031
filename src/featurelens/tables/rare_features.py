"""Whether features with like gene sets belong to the same cell types, among features that are rare
(the quarter of the annotated ones that is active in fewest cells) and among the others. The
agreement of the 10 most similar features is 0 by chance and 1 where all have the type of the
feature; null_high is its 95th percentile when types are shuffled among the features. The paper says
that rare features do not cluster with cell types, and has no measure for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.concepts.config import Direction
from featurelens.concepts.neighbours import agreement
from featurelens.concepts.space import every_filter
from featurelens.features.locality import main_type_of

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {
    "kept": "concepts/{paper_annotated}/kept_terms.parquet",
    "features": "features/{paper_sae}/features.h5ad",
}
PARAMS = {"name": "{paper_annotated}", "direction": "{concepts.direction}"}
MEMORY = 8000
RARE = 0.25
"""Share of the annotated features, of those active in fewest cells, that are rare."""


def tabulate(
    kept: pd.DataFrame, features: AnnData, *, name: str, direction: Direction
) -> pd.DataFrame:
    """Agreement of cell types between features with like terms, of rare and of common features.

    Parameters
    ----------
    kept
        Of ``concepts.kept_terms``.
    features
        ``features.h5ad`` of the same SAE.
    name
        dataset/model/sae/collection.
    direction
        Which corrected annotations count.

    Returns
    -------
    DataFrame
        sae, convention, filter, features (rare, common), most_cells (in which one of them is
        active) and what
        :func:`featurelens.concepts.neighbours.agreement` returns.
    """
    types = main_type_of(features)
    n_active = features.var["n_active"]
    rows = []
    for sae, label, matrix in every_filter({name: kept}, direction):
        own = n_active.loc[list(matrix.features)].to_numpy()
        rare = own <= np.quantile(own, RARE) if len(own) else own > 0
        for which, chosen in (("rare", rare), ("common", ~rare)):
            names = np.asarray(matrix.features, dtype=object)[chosen]
            rows.append(
                {"sae": sae, "convention": label["convention"], "filter": label["filter"]}
                | {"features": which, "most_cells": int(own[chosen].max(initial=0))}
                | agreement(matrix.matrix[chosen], types.loc[list(names)].tolist())
            )
    return pd.DataFrame(rows)
