"""The cell type that a feature is named for: where most of its activation lies, if anywhere.

The type with the largest share of a feature's summed activation is its name if that share is above
one half, if enough cells of the type activate the feature, and if the feature is significantly more
active in it than elsewhere. A type of one doublet may have the highest mean of all; it holds no
activation to speak of, and no test. Where no type is named, a sentence says why.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.features.activations import by_features
from featurelens.features.config import FeatureConfig
from featurelens.features.locality import TypeMoments

NO_TYPE = "no main type"
"""What titles say of a feature without one."""


def main_types(
    activations: sparse.csr_matrix,
    codes: NDArray[np.integer],
    names: NDArray,
    *,
    moments: TypeMoments,
    effects: NDArray,
    q: NDArray,
    config: FeatureConfig,
    elsewhere: NDArray | float = 0.0,
) -> dict[str, Any]:
    """Columns about the main type of every feature.

    Parameters
    ----------
    activations
        (n_cells, n_features) CSR without stored zeros.
    codes, names
        Type of each cell, (n_cells,), as a place among the names of types.
    moments, effects, q
        Of every feature in every type (:mod:`featurelens.features.locality`), (n_types,
        n_features).
    config
        Share, support and false discovery rate that a name needs.
    elsewhere
        Summed activation in cells of no known type, (n_features,), which counts as a part of the
        whole and has no name.

    Returns
    -------
    dict
        top_cell_type (missing where no type is named), share_in_type (of the summed activation),
        n_in_type (cells of the type that activate the feature), why_no_type ("" where one is
        named), effect and q. Numbers are of the type with the largest share, named or not, and NaN
        in dead features.
    """
    totals = moments.inside.mean * moments.inside.n  # (n_types, n_features)
    whole = totals.sum(axis=0) + elsewhere
    shares = np.divide(totals, whole, out=np.full(totals.shape, np.nan), where=whole > 0)
    top = np.nan_to_num(shares).argmax(axis=0)
    at = top, np.arange(len(top))
    support = _support(activations, codes, len(names))[at]
    reasons = [
        _why_not(*values, config=config)
        for values in zip(names[top], shares[at], support, q[at], strict=True)
    ]
    named = np.where([not reason for reason in reasons], top, -1)
    return {
        "top_cell_type": pd.Categorical.from_codes(named.tolist(), pd.Index(names)),
        "share_in_type": shares[at],
        "n_in_type": support,
        "why_no_type": np.array(reasons, dtype=object),
        "effect": effects[at],
        "q": q[at],
    }


def _why_not(name: str, share: float, support: int, q: float, *, config: FeatureConfig) -> str:
    """Why a feature is not named for the type that holds most of its activation, or nothing."""
    if np.isnan(share):
        return "no cell activates it"
    if share <= config.min_share:
        return f"{name} comes first, with only {100 * share:.0f} % of its activation"
    if support < config.min_type_cells:
        verb = "activates" if support == 1 else "activate"
        return f"{name} holds {100 * share:.0f} %, but only {support} of its cells {verb} it"
    if np.isnan(q):
        return f"{name} holds {100 * share:.0f} %, which no test can confirm"
    if q >= config.alpha:
        return f"{name} holds {100 * share:.0f} %, which is not significant (q {q:.2g})"
    return ""


def describe_type(row: Any) -> str:
    """A feature's main type with its share, for a title, from its row of a table (or a mapping).

    Examples
    --------
    >>> describe_type({"top_cell_type": "B", "share_in_type": 0.781})
    'B (78 %)'
    >>> describe_type({"top_cell_type": float("nan"), "share_in_type": 0.3})
    'no main type'
    """
    name = row["top_cell_type"]
    if not isinstance(name, str) or not name:
        return NO_TYPE
    return f"{name} ({100 * row['share_in_type']:.0f} %)"


def _support(activations: sparse.csr_matrix, codes: NDArray, n_types: int) -> NDArray[np.int64]:
    """Cells of each type that activate each feature, (n_types, n_features)."""
    n_cells = len(codes)
    members = sparse.csr_matrix(
        (np.ones(n_cells, np.int64), (codes, np.arange(n_cells))), shape=(n_types, n_cells)
    )

    def support(part: sparse.csr_matrix) -> NDArray[np.int64]:
        values = (np.ones(part.nnz, np.int64), part.indices, part.indptr)
        return (members @ sparse.csr_matrix(values, shape=part.shape)).toarray()

    return np.concatenate([support(part) for part in by_features(activations)], axis=1)
