"""P-values from a permutation null, shared by features of similar cell counts.

Genes move together, so what a whole gene set does varies more than its genes apart would suggest,
each set by its own measure (variance inflation: Wu & Smyth 2012). Permuting cells keeps the genes'
correlation and removes the feature's meaning.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def calibrate(score: NDArray, null_score: NDArray, n_low: NDArray, *, per_bin: int = 50) -> Floats:
    """Two-sided empirical p of scores against those of permuted cells.

    Within bins of features whose low sets are similar in size (which orders features by their
    active cells, too), the scores of a term are centred and scaled by that term's null mean and
    standard deviation; p is then the share of all null scores of the bin, over terms and features,
    that are at least as far from zero: (1 + count) / (1 + total).

    Parameters
    ----------
    score
        (n_features, n_terms), NaN where there is none.
    null_score
        (n_draws, n_features, n_terms) scores of the same features under permutation.
    n_low
        (n_features,) size of the low set.
    per_bin
        Features per bin, at least.

    Returns
    -------
    ndarray
        (n_features, n_terms) p; NaN where the score is NaN or a term's null does not vary.
    """
    p = np.full(score.shape, np.nan)
    for rows in _bins(n_low, per_bin):
        null = null_score[:, rows].astype(np.float64)
        centre, scale = _centre_and_scale(null.reshape(-1, null.shape[-1]))
        pool = np.abs((null - centre) / scale)
        pool = np.sort(pool[~np.isnan(pool)])
        distance = np.abs((score[rows] - centre) / scale)
        further = len(pool) - np.searchsorted(pool, distance, side="left")
        p[rows] = np.where(np.isnan(distance), np.nan, (1 + further) / (1 + len(pool)))
    return p


def _bins(n_low: NDArray, per_bin: int) -> list[NDArray[np.int64]]:
    """Rows by quantile of ``n_low``; equal sizes stay together."""
    if not len(n_low):
        return []
    n_bins = max(1, len(n_low) // per_bin)
    edges = np.unique(np.quantile(n_low, np.arange(1, n_bins) / n_bins, method="lower"))
    label = np.searchsorted(edges, n_low, side="left")
    return [np.flatnonzero(label == number) for number in np.unique(label)]


def _centre_and_scale(null: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of every column; NaN for columns that do not vary."""
    known = ~np.isnan(null)
    n = known.sum(axis=0)
    total = np.where(known, null, 0.0).sum(axis=0)
    centre = np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
    spread = np.where(known, (null - centre) ** 2, 0.0).sum(axis=0)
    scale = np.sqrt(np.divide(spread, n, out=np.full(n.shape, np.nan), where=n > 0))
    return centre, np.where(scale > 0, scale, np.nan)
