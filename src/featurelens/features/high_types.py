"""In which types a feature is high, by a rule that more of the same cells do not change.

With a test alone every feature becomes significant somewhere once there are cells enough, so that
local features turn regional as a data set grows. Here a test only opens the question: whether some
type's mean lies above the feature's own by more than the largest such distance among types whose
labels are shuffled over the cells (within batches). The answer is by size: types are high whose
mean is at least half of the top type's. A feature is local where the runner-up is not high,
regional where at most half of the types are, and global otherwise.

Cells of one embedding, type and batch are one cell, however often it is given: the shuffles take
it once, so that the test does not change either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from featurelens.features.activations import by_features
from featurelens.features.config import FeatureConfig
from featurelens.stats.multiple import bh

LOCALITY = ("local", "regional", "global", "dead")


class HighTypes(NamedTuple):
    """What the rule says of each feature."""

    high: NDArray[np.bool_]
    """(n_types, n_features); none where no type stands out."""
    z: NDArray[np.float64]
    """Distance of a type's mean from the feature's own, in standard deviations of shuffled labels,
    (n_types, n_features); NaN for types of too few cells and features that do not vary."""
    q: NDArray[np.float64]
    """Share of shuffles whose largest z is as large, for the type where it is smallest, among the
    live features (Benjamini-Hochberg), (n_features,)."""
    runner_up: NDArray[np.float64]
    """Second highest mean over the highest, (n_features,)."""
    locality: NDArray[np.str_]
    """One of :data:`LOCALITY`, (n_features,)."""
    shuffled: NDArray[np.str_]
    """The same of shuffled labels: what the rule finds where there is nothing."""


def high_types(
    activations: sparse.csr_matrix,
    codes: NDArray[np.integer],
    *,
    n_types: int,
    distinct: NDArray[np.integer],
    strata: NDArray[np.integer],
    config: FeatureConfig,
) -> HighTypes:
    """Types in which each feature is high, and what that makes of it.

    Parameters
    ----------
    activations
        (n_cells, n_features) CSR without stored zeros.
    codes, n_types
        Type of each cell, (n_cells,), and how many types there are.
    distinct
        Rows of the cells that differ, see :func:`distinct_cells`.
    strata
        Batch of each cell, (n_cells,); labels are shuffled within.
    config
        alpha, min_fold, min_type_cells, n_shuffles, seed.
    """
    counted = _sizes(codes[distinct], n_types) >= config.min_type_cells
    looked_at = distinct[counted[codes[distinct]]]
    labels = _shuffles(codes[looked_at], strata[looked_at], n_types, config)
    # The means are those of all cells as given; under shuffled labels there are the distinct ones.
    sizes = _sizes(codes, n_types)[:, None]
    parts = [
        (
            _scores(part[looked_at], codes[looked_at], labels, counted),
            _sums(part, codes, n_types) / sizes,
            part.getnnz(axis=0) > 0,
        )
        for part in by_features(activations)
    ]
    live = np.concatenate([live for *_, live in parts])
    scores, null = (_side_by_side([found[side] for found, *_ in parts]) for side in (0, 1))
    scores = scores._replace(means=np.concatenate([means for _, means, _ in parts], axis=1))
    high, q, locality = _judge(scores, counted, live, config)
    return HighTypes(
        high=high,
        z=scores.z,
        q=q,
        runner_up=_runner_up(np.where(counted[:, None], scores.means, -np.inf)),
        locality=locality,
        shuffled=_judge(null, counted, live, config)[2],
    )


def distinct_cells(
    embedding: NDArray, codes: NDArray[np.integer], strata: NDArray[np.integer]
) -> NDArray[np.int64]:
    """One row of each set of cells that share embedding, type and batch, in an order of its own.

    The order does not depend on that of the cells.

    Examples
    --------
    >>> distinct_cells(np.array([[2.0], [1], [2], [2]]), np.array([0, 0, 0, 1]), np.zeros(4, int))
    array([1, 0, 3])
    """
    columns = [*embedding.T, codes, strata]
    order = np.lexsort(columns[::-1])
    is_new = np.arange(len(order)) == 0
    for column in columns:
        ordered = column[order]
        is_new[1:] |= ordered[1:] != ordered[:-1]
    return np.minimum.reduceat(order, np.flatnonzero(is_new))


def shuffled(
    codes: NDArray[np.integer], strata: NDArray[np.integer], rng: np.random.Generator
) -> NDArray[np.integer]:
    """Labels of cells that change places within their stratum."""
    found = np.empty_like(codes)
    found[np.argsort(strata, kind="stable")] = codes[np.lexsort((rng.random(len(codes)), strata))]
    return found


class _Scores(NamedTuple):
    """Means of types, and how far each stands out of what shuffled labels have."""

    means: NDArray[np.float64]
    """(n_types, n_features)."""
    z: NDArray[np.float64]
    p: NDArray[np.float64]


def _scores(
    activations: sparse.csr_matrix,
    codes: NDArray[np.integer],
    shuffles: NDArray[np.integer],
    counted: NDArray[np.bool_],
) -> tuple[_Scores, _Scores]:
    """Of the labels, and of the first of their shuffles among the others."""
    n_types, n_cells = len(counted), len(codes)
    mean, sd = _moments(activations)
    sizes = _sizes(codes, n_types)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt((n_cells - sizes) / (sizes * max(n_cells - 1, 1)))
    error[~counted | (error == 0)] = np.nan

    def of(labels: NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        with np.errstate(divide="ignore", invalid="ignore"):
            means = _sums(activations, labels, n_types) / sizes[:, None]
            return means, (means - mean) / sd / error[:, None]

    largest = np.empty((len(shuffles), activations.shape[1]))
    for number, labels in enumerate(shuffles):
        means, z = of(labels)
        largest[number] = np.fmax.reduce(z, axis=0)
        if number == 0:
            null = means, z
    own = of(codes)
    return _Scores(*own, _exceeded(own[1], largest)), _Scores(
        *null, _exceeded(null[1], largest[1:])
    )


def _shuffles(
    codes: NDArray[np.integer],
    strata: NDArray[np.integer],
    n_types: int,
    config: FeatureConfig,
) -> NDArray[np.integer]:
    """Labels of cells in other orders, (n_shuffles, n_cells)."""
    rng = np.random.default_rng(config.seed)
    found = np.empty((config.n_shuffles, len(codes)), np.min_scalar_type(max(n_types - 1, 0)))
    for labels in found:
        labels[:] = shuffled(codes, strata, rng)
    return found


def _side_by_side(parts: Sequence[_Scores]) -> _Scores:
    """Scores of all features from those of some."""
    return _Scores(*(np.concatenate(values, axis=1) for values in zip(*parts, strict=True)))


def _moments(activations: sparse.csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each feature, (n_features,); NaN for one that does not vary."""
    n_cells, n_features = max(activations.shape[0], 1), activations.shape[1]
    values = activations.data.astype(np.float64)
    mean = np.bincount(activations.indices, values, minlength=n_features) / n_cells
    square = np.bincount(activations.indices, values**2, minlength=n_features) / n_cells
    spread = square - mean**2
    return mean, np.where(spread > 1e-9 * square, np.sqrt(np.maximum(spread, 0)), np.nan)


def _exceeded(z: NDArray[np.float64], largest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of shuffles, this one among them, whose largest z is as large; NaN where z is."""
    ordered = np.sort(np.where(np.isnan(largest), np.inf, largest), axis=0)
    below = np.stack(
        [
            np.searchsorted(column, values - 1e-9)
            for column, values in zip(ordered.T, np.nan_to_num(z).T, strict=True)
        ],
        axis=1,
    )
    return np.where(np.isnan(z), np.nan, (1 + len(largest) - below) / (1 + len(largest)))


def _judge(
    scores: _Scores, counted: NDArray[np.bool_], live: NDArray[np.bool_], config: FeatureConfig
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.str_]]:
    """High types, q and locality."""
    q = bh(np.where(live, np.fmin.reduce(scores.p, axis=0), np.nan))
    chosen = q <= config.alpha
    # Types of chosen features at the level that the choice leaves (Benjamini and Bogomolov 2014).
    n_tested = max(int((~np.isnan(q)).sum()), 1)
    stands_out = chosen & (scores.p <= config.alpha * chosen.sum() / n_tested)
    known = np.where(counted[:, None], scores.means, -np.inf)
    top = np.where(stands_out, known, -np.inf).max(axis=0, initial=-np.inf)
    high = (known >= top / config.min_fold) & (top > 0)
    n_high = high.sum(axis=0)
    locality = np.select(
        [~live, n_high == 1, (n_high > 1) & (n_high <= counted.sum() / 2)],
        ["dead", "local", "regional"],
        "global",
    )
    return high, q, locality


def _runner_up(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Second highest mean of each feature over its highest; NaN where there are not two."""
    if len(means) < 2:
        return np.full(means.shape[1], np.nan)
    second, first = np.sort(means, axis=0)[-2:]
    known = (first > 0) & np.isfinite(second)
    return np.divide(second, first, out=np.full(len(first), np.nan), where=known)


def _sums(
    activations: sparse.csr_matrix, codes: NDArray[np.integer], n_types: int
) -> NDArray[np.float64]:
    """Summed activation in each type, (n_types, n_features)."""
    n_cells = len(codes)
    members = sparse.csr_matrix((np.ones(n_cells), (codes, np.arange(n_cells))), (n_types, n_cells))
    return np.asarray((members @ activations).todense(), dtype=np.float64)


def _sizes(codes: NDArray[np.integer], n_types: int) -> NDArray[np.float64]:
    return np.bincount(codes, minlength=n_types).astype(np.float64)
