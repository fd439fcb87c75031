"""Whether local features split a cell type where genes differ and the embedding shows no groups.

The paper says that local features reveal subpopulations that are not visible in the embedding, and
has no measure for it. Here a feature reveals one if the cells of its type in which it is active
differ in measured genes from the others of the type, while no clustering of the type in the
embedding agrees with that split. Random directions of the embedding, active in as many cells, are
the null: they too split a type along what the embedding holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.stats.multiple import bh
from featurelens.stats.welch import Moments, welch

CLUSTERS = (2, 3, 4, 5)
"""Numbers of k-means clusters that a split is compared with."""
AT_ONCE = 64
"""Splits whose genes are tested at once."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When a split counts."""

    min_cells: int = 10
    """Fewest cells on either side."""
    q: float = 0.05
    """Below it a gene differs, if its fold change is large enough."""
    fold: float = 2.0
    """Up or down, of mean expression at 10,000 counts a cell, 0.1 added to both."""
    min_genes: int = 10
    """Fewest genes that differ."""
    max_agreement: float = 0.1
    """From this adjusted mutual information with a clustering on, the embedding shows the split."""


def judge_splits(
    activations: sparse.csr_matrix,
    local: pd.Series,
    cell_types: Sequence[str],
    embedding: NDArray[np.floating],
    expression: sparse.csr_matrix,
    *,
    rules: Rules = Rules(),
    seed: int = 0,
) -> pd.DataFrame:
    """Judge the split that every local feature makes of its type, beside a random direction's.

    Parameters
    ----------
    activations
        (n_cells, n_features).
    local
        Type of each local feature, by its position
        (:func:`featurelens.features.locality.local_types` has names).
    cell_types
        (n_cells,).
    embedding
        (n_cells, d).
    expression
        (n_cells, n_genes) log1p of counts at 10,000 a cell.
    rules, seed
        When a split counts; seed of clusterings and directions.

    Returns
    -------
    DataFrame
        One row a local feature that splits its type into two groups of enough cells: feature (its
        position), cell_type, n_active, n_genes (that differ), agreement (largest with a
        clustering), and null_n_genes and null_agreement, of the random direction.
    """
    labels = np.asarray(cell_types).astype(str)
    rng = np.random.default_rng(seed)
    parts = []
    for cell_type in sorted(set(local.astype(str))):
        rows = np.flatnonzero(labels == cell_type)
        positions = local.index[local.astype(str) == cell_type].to_numpy()
        active = (activations[rows][:, positions] > 0).toarray()
        counts = active.sum(axis=0)
        splits = (counts >= rules.min_cells) & (counts <= len(rows) - rules.min_cells)
        if not splits.any():
            continue
        active, own = active[:, splits], embedding[rows].astype(np.float64)
        random = random_splits(own, active.sum(axis=0), rng)
        clusterings = [_cluster(own, k, seed) for k in CLUSTERS if k < len(rows)]
        part = pd.DataFrame({"feature": positions[splits], "cell_type": cell_type})
        part["n_active"] = active.sum(axis=0)
        for prefix, split in (("", active), ("null_", random)):
            part[f"{prefix}n_genes"] = count_genes(split, expression[rows], rules)
            part[f"{prefix}agreement"] = [_agreement(each, clusterings) for each in split.T]
        parts.append(part)
    columns = ("feature", "cell_type", "n_active", "n_genes", "agreement")
    empty = pd.DataFrame(columns=[*columns, "null_n_genes", "null_agreement"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def random_splits(
    embedding: NDArray[np.floating], counts: NDArray[np.integer], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Cells that lie farthest along random directions, as many as given, (n_cells, n_splits)."""
    spread = embedding.std(axis=0)
    centred = (embedding - embedding.mean(axis=0)) / np.where(spread > 0, spread, 1)
    along = centred @ rng.standard_normal((embedding.shape[1], len(counts)))
    ranks = (-along).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return ranks < counts


def count_genes(
    splits: NDArray[np.bool_], expression: sparse.csr_matrix, rules: Rules
) -> NDArray[np.integer]:
    """Genes that differ between both sides of each split, (n_splits,).

    Welch's t-test of log1p expression, false discovery rate within a split; fold changes are those
    of mean expression.
    """
    linear = expression.copy()
    linear.data = np.expm1(linear.data)
    squares = expression.multiply(expression).tocsr()
    whole = [np.asarray(m.sum(axis=0)).ravel() for m in (expression, squares, linear)]
    found = []
    for start in range(0, splits.shape[1], AT_ONCE):
        inside = sparse.csr_matrix(splits[:, start : start + AT_ONCE].T.astype(np.float64))
        n = np.asarray(inside.sum(axis=1))
        sums = [(inside @ m).toarray() for m in (expression, squares, linear)]
        sides = [
            _moments(count, *part)
            for count, part in (
                (n, sums),
                (splits.shape[0] - n, [w - s for w, s in zip(whole, sums, strict=True)]),
            )
        ]
        p = welch(sides[0][0], sides[1][0]).p
        ratio = (sides[0][1] + 0.1) / (sides[1][1] + 0.1)
        large = np.abs(np.log2(ratio)) >= np.log2(rules.fold)
        with np.errstate(invalid="ignore"):
            found.append(((bh(p, axis=1) < rules.q) & large).sum(axis=1))
    return np.concatenate(found)


def _moments(
    n: NDArray, total: NDArray, squared: NDArray, linear: NDArray
) -> tuple[Moments, NDArray]:
    mean = total / n
    variance = np.maximum(squared - n * mean**2, 0) / np.maximum(n - 1, 1)
    return Moments(n, mean, variance), linear / n


def _cluster(embedding: NDArray[np.floating], k: int, seed: int) -> NDArray[np.integer]:
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=3, random_state=seed).fit_predict(embedding)


def _agreement(split: NDArray[np.bool_], clusterings: Sequence[NDArray[np.integer]]) -> float:
    from sklearn.metrics import adjusted_mutual_info_score

    return max(
        (float(adjusted_mutual_info_score(split, each)) for each in clusterings), default=0.0
    )
