"""Random directions that fire as often as the features of an SAE do."""

from __future__ import annotations

import numpy as np


def random_directions(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors in every direction alike, (n, d)."""
    return unit_rows(rng.normal(size=(n, d)))


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Rows (n, d) in double precision, each of length 1, or 0 where it was 0.

    Examples
    --------
    >>> unit_rows(np.array([[3, 4], [0, 0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    wide = rows.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-300)


def fire_equally_often(
    X: np.ndarray, directions: np.ndarray, share: np.ndarray, *, counts: np.ndarray | None = None
) -> np.ndarray:
    """Project ``X`` on directions and cut each so that it fires on its ``share`` of the rows.

    Where a row stands for several equal ones, ``counts`` (n,) says for how many. Such rows fire
    together: the cut is the one whose share is nearest, and at least one row fires.

    Examples
    --------
    Half of four rows:

    >>> X = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> fire_equally_often(X, np.array([[1.0]]), np.array([0.5])).ravel()
    array([0., 0., 1., 2.])
    """
    projected = X.astype(np.float64) @ directions.T  # (n, n_features)
    if counts is None:
        ordered = np.sort(projected, axis=0)
        cut = np.clip(np.round((1 - share) * len(X)).astype(int), 0, len(X))
    else:
        order = np.argsort(projected, axis=0)
        ordered = np.take_along_axis(projected, order, axis=0)
        silent = np.cumsum(counts[order[:-1]], axis=0) / counts.sum()
        silent = np.vstack([np.zeros((1, len(directions))), silent])  # by rows that do not fire
        cut = np.abs(silent - (1 - share)).argmin(axis=0)
    lowest = np.vstack([ordered[:1] - 1, ordered])
    return np.maximum(projected - lowest[cut, np.arange(len(cut))], 0)
