"""Features that resemble each other: by what they add to the embedding, and by their cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

N_NEAR = 10
_BLOCK = 512


def nearest(
    directions: NDArray | None, columns: sparse.csc_matrix
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """The nearest features of each, by the cosine of their directions.

    Parameters
    ----------
    directions
        (n_features, d); without them the correlation of activations decides.
    columns
        Activations, (n_cells, n_features).

    Returns
    -------
    which, cosine, correlation
        (n_features, n) with n at most :data:`N_NEAR`, the nearest first, features that do not vary
        over the cells last; cosines NaN without directions, correlations NaN where one does not.
    """
    n = columns.shape[1]
    count = max(min(N_NEAR, n - 1), 0)
    values = columns.astype(np.float64)
    mean = np.asarray(values.mean(axis=0)).ravel()
    squares = np.asarray(values.multiply(values).mean(axis=0)).ravel()
    sd = np.sqrt(np.maximum(squares - mean**2, 0.0))
    sd[sd <= 1e-9 * np.maximum(mean, 1e-300)] = np.nan
    unit = None
    if directions is not None:
        length = np.linalg.norm(directions.astype(np.float64), axis=1, keepdims=True)
        unit = directions / np.where(length > 0, length, np.nan)
    which = np.zeros((n, count), dtype=np.int64)
    cosine = np.full((n, count), np.nan, dtype=np.float32)
    correlation = np.full((n, count), np.nan, dtype=np.float32)
    transposed = values.T.tocsr()
    for start in range(0, n, _BLOCK):
        own = np.arange(start, min(start + _BLOCK, n))
        both = np.asarray((transposed @ values[:, own]).todense()).T / values.shape[0]
        alike = (both - np.outer(mean[own], mean)) / np.outer(sd[own], sd)
        angle = unit[own] @ unit.T if unit is not None else None
        score = np.nan_to_num(alike if angle is None else angle, nan=-2.0)
        score[:, np.isnan(sd)] = -3.0  # what is active in no cell, or alike in all, comes last
        score[np.arange(len(own)), own] = -np.inf
        order = _largest(score, count)
        which[own] = order
        correlation[own] = np.take_along_axis(alike, order, axis=1)
        if angle is not None:
            cosine[own] = np.take_along_axis(angle, order, axis=1)
    return which, cosine, correlation


def _largest(score: NDArray, count: int) -> NDArray[np.int64]:
    """Columns of the largest values of every row, in their order, the first of equal ones first."""
    if count == 0:
        return np.zeros((len(score), 0), dtype=np.int64)
    some = np.sort(np.argpartition(-score, count - 1, axis=1)[:, :count], axis=1)
    own = np.take_along_axis(score, some, axis=1)
    return np.take_along_axis(some, np.argsort(-own, axis=1, kind="stable"), axis=1)
