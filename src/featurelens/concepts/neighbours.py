"""Whether features with like gene sets belong to the same cell types.

The paper says that rare features, active in few cells, do not cluster with cell types in the
concept space, and has no measure for it. Here: of the features whose terms are most alike
(Jaccard), how many have the same main cell type, against shuffled types.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.concepts.comparison import jaccard


def agreement(
    carried: sparse.csr_matrix,
    types: Sequence[str],
    *,
    n_neighbours: int = 10,
    n_shuffles: int = 200,
    seed: int = 0,
) -> dict[str, float]:
    """How far the nearest features by terms have the same type, beyond chance.

    Parameters
    ----------
    carried
        (n_features, n_terms) of zeros and ones.
    types
        One for each feature.
    n_neighbours
        Nearest features that are looked at; ties are broken at random.
    n_shuffles, seed
        Random exchanges of the types among the features.

    Returns
    -------
    dict
        n_features, n_types, same_type (share of neighbours with the type of the feature, mean over
        features), by_chance (its mean over shuffles), agreement ((same_type - by_chance) /
        (1 - by_chance)) and null_high (95th percentile of agreement over shuffles); NaN where there
        are not more features than neighbours, or one type alone.
    """
    codes, known = pd.factorize(np.asarray(types, dtype=object))
    n_features = len(codes)
    found: dict[str, float] = {"n_features": n_features, "n_types": len(known)}
    if n_features <= n_neighbours or len(known) < 2:
        names = ("same_type", "by_chance", "agreement", "null_high")
        return found | dict.fromkeys(names, float("nan"))
    rng = np.random.default_rng(seed)
    near = _nearest(carried, n_neighbours, rng)

    def same(labels: NDArray[np.integer]) -> float:
        return float((labels[near] == labels[:, None]).mean())

    shuffled = np.array([same(rng.permutation(codes)) for _ in range(n_shuffles)])
    by_chance = float(shuffled.mean())
    beyond = (np.array([same(codes), *shuffled]) - by_chance) / (1 - by_chance)
    return found | {
        "same_type": same(codes),
        "by_chance": by_chance,
        "agreement": float(beyond[0]),
        "null_high": float(np.quantile(beyond[1:], 0.95)),
    }


def _nearest(
    carried: sparse.csr_matrix, n_neighbours: int, rng: np.random.Generator
) -> NDArray[np.integer]:
    """Places of the most similar other rows, (n_rows, n_neighbours)."""
    similar = jaccard(carried, carried)
    similar += rng.uniform(0, 1e-9, similar.shape)
    np.fill_diagonal(similar, -1)
    return np.argpartition(-similar, n_neighbours, axis=1)[:, :n_neighbours]
