"""Linear probes that read variables from an embedding.

The author's two (a gradient-trained layer and ordinary least squares, both scored by R²), and
their replacement: ridge regression in closed form with the penalty chosen by generalised
cross-validation, and a linear classifier on top of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from featurelens.simulation.observables import Observables

_BLOCK_VALUES = 2**24
_PENALTIES = np.logspace(-10, 2, 13)
_NEVER_ZERO = 1e-12


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge regression."""

    coefficients: np.ndarray
    """(d_in, n_targets)"""
    intercept: np.ndarray
    """(n_targets,)"""
    penalty: np.ndarray
    """(n_targets,) the penalty chosen, per row of data and in units of standardised inputs."""

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Predict (n, n_targets) from (n, d_in)."""
        return inputs.astype(np.float64) @ self.coefficients + self.intercept


def reduced(inputs: Observables, is_fitted: np.ndarray) -> np.ndarray:
    """What a ridge regression on standardised Y = X'' Mᵀ can use of it, exactly.

    Standardised over the rows that are fitted, Y is Z = C W with C the centred X'' and the scaled
    genes in W = Mᵀ / σ. With Wᵀ = Q R, where the columns of Q are orthonormal, Z = F Qᵀ with
    F = C Rᵀ: ridge predictions from F, which has one column a program, are those from Z.

    Parameters
    ----------
    inputs
        Made of X'' and M, (n, n_genes).
    is_fitted : (n,) bool

    Returns
    -------
    (n, n_programs) to be fitted without standardising them again
    """
    assert inputs.connectivity is not None
    cells, edges = inputs.cells.astype(np.float64), inputs.connectivity.astype(np.float64)
    centred = cells - cells[is_fitted].mean(axis=0)
    covariance = centred[is_fitted].T @ centred[is_fitted] / is_fitted.sum()
    scale = np.sqrt(np.einsum("gp,pq,gq->g", edges, covariance, edges, optimize=True).clip(min=0))
    scale[scale == 0] = 1.0
    return centred @ linalg.qr(edges / scale[:, None], mode="r")[0][: edges.shape[1]].T


def fit_ridge(
    inputs: np.ndarray, targets: np.ndarray, *, shared: bool = False, scaled: bool = False
) -> Ridge:
    """Fit ridge regression on standardised inputs, in closed form.

    The penalty minimises generalised cross-validation (Golub, Heath and Wahba 1979),
    ``(RSS / n) / (1 - df / n)²`` with ``df = 1 + Σ s_i / (s_i + λ)``, over thirteen values between
    1e-10 and 100, where s_i are the eigenvalues of the inputs' correlation matrix.

    Parameters
    ----------
    inputs : (n, d_in)
    targets : (n, n_targets)
    shared
        Choose one penalty for all targets, by the sum of their scores.
    scaled
        Take the inputs as they are, of :func:`reduced`.
    """
    return _solve(_principal_axes(inputs, scaled=scaled), targets, shared=shared)


@dataclass(frozen=True)
class _PrincipalAxes:
    """Inputs of a ridge regression, prepared once for any number of targets."""

    standard: np.ndarray
    """(n, d_in) centred, of unit variance"""
    mean: np.ndarray
    scale: np.ndarray
    eigenvalues: np.ndarray
    """(d_in,) of the correlation matrix"""
    axes: np.ndarray
    """(d_in, d_in) its eigenvectors, in columns"""


def _principal_axes(inputs: np.ndarray, *, scaled: bool = False) -> _PrincipalAxes:
    mean, scale = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    scale[(scale == 0) | scaled] = 1.0
    standard = (inputs - mean) / scale
    eigenvalues, axes = linalg.eigh(standard.T @ standard / len(inputs))
    return _PrincipalAxes(standard, mean, scale, eigenvalues.clip(min=0), axes)


def _solve(known: _PrincipalAxes, targets: np.ndarray, *, shared: bool = False) -> Ridge:
    n, eigenvalues = len(targets), known.eigenvalues
    target_mean = targets.mean(axis=0, dtype=np.float64)
    centred = targets - target_mean
    loadings = known.axes.T @ (known.standard.T @ centred) / n
    # per penalty (rows): RSS / n = total - sum over axes of loading² (s + 2λ) / (s + λ)²
    shrunk = eigenvalues + _PENALTIES[:, None]
    explained = ((shrunk + _PENALTIES[:, None]) / np.square(shrunk)) @ np.square(loadings)
    df = 1 + (eigenvalues / shrunk).sum(axis=1, keepdims=True)
    rss = (np.square(centred).mean(axis=0) - explained).clip(min=0)
    gcv = rss / np.square(1 - np.minimum(df / n, 1 - 1e-6))
    if shared:
        gcv = np.repeat(gcv.sum(axis=1, keepdims=True), gcv.shape[1], axis=1)
    penalty = _PENALTIES[gcv.argmin(axis=0)]
    coefficients = known.axes @ (loadings / (eigenvalues[:, None] + penalty))
    coefficients = coefficients / known.scale[:, None]
    return Ridge(coefficients, target_mean - known.mean @ coefficients, penalty)


def ridge_r2(
    inputs: np.ndarray,
    targets: np.ndarray | Observables,
    is_validation: np.ndarray,
    *,
    scaled: bool = False,
) -> np.ndarray:
    """R² on validation rows of ridge regression fitted on the others, (n_targets,).

    Targets are fitted in blocks of columns, each with penalties of its own, so that many of them
    are never held at once.
    """
    targets, test = Observables.of(targets), inputs[is_validation]
    known = _principal_axes(inputs[~is_validation], scaled=scaled)
    scores = []
    for block in column_blocks(*targets.shape):
        values = targets.columns(block)
        ridge = _solve(known, values[~is_validation])
        scores.append(r2(values[is_validation], ridge.predict(test)))
    return np.concatenate(scores)


def joined(groups: Sequence[np.ndarray | Observables]) -> Observables:
    """Targets side by side; those that are not stored stay so.

    [Y, X] with Y = X'' Mᵀ is [X'', X] times a matrix of two blocks, M and the identity.
    """
    parts = [Observables.of(group) for group in groups]
    cells = np.concatenate([part.cells for part in parts], axis=1, dtype=np.float32)
    if all(part.connectivity is None for part in parts):
        return Observables(cells)
    blocks = [
        np.eye(part.shape[1], dtype=np.float32) if part.connectivity is None else part.connectivity
        for part in parts
    ]
    return Observables(cells, linalg.block_diag(*blocks).astype(np.float32))


def classify(
    inputs: np.ndarray, labels: np.ndarray, new: np.ndarray, *, scaled: bool = False
) -> np.ndarray:
    """Predict categories linearly: ridge on the one-hot levels, then the nearest level.

    Levels are compared by their mean fitted values, in the metric of the pooled covariance within
    levels. Without penalty this is linear discriminant analysis with equal priors (Hastie,
    Tibshirani and Buja 1994); taking the largest fitted value instead would never predict the
    middle one of three levels on a line.

    Parameters
    ----------
    inputs : (n, d_in)
    labels : (n,) int
    new : (m, d_in)
    scaled
        Take the inputs as they are, of :func:`reduced`.

    Returns
    -------
    (m,) labels among those of the training rows.
    """
    levels, codes = np.unique(labels, return_inverse=True)
    if len(levels) == 1:
        return np.full(len(new), levels[0])
    # one level less: the fitted values of all levels sum to one
    one_hot = (codes[:, None] == np.arange(len(levels) - 1)).astype(np.float64)
    ridge = fit_ridge(inputs, one_hot, shared=True, scaled=scaled)
    fitted, predicted = ridge.predict(inputs), ridge.predict(new)
    centroids = np.stack([fitted[codes == level].mean(axis=0) for level in range(len(levels))])
    residual = fitted - centroids[codes]
    floor = 1e-8 * fitted.var(axis=0).mean() + _NEVER_ZERO
    within = residual.T @ residual / len(residual) + floor * np.eye(len(levels) - 1)
    difference = predicted[:, None, :] - centroids[None]  # (m, levels, levels - 1)
    solved = linalg.solve(within, difference.reshape(-1, len(levels) - 1).T, assume_a="pos")
    distance = (difference * solved.T.reshape(difference.shape)).sum(axis=2)
    return levels[distance.argmin(axis=1)]


def balanced_accuracy(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Mean recall over the levels that occur in ``truth``, and what one constant guess scores.

    NaN when fewer than two levels occur.
    """
    levels = np.unique(truth)
    if len(levels) < 2:
        return float("nan"), float("nan")
    recall = [(predicted[truth == level] == level).mean() for level in levels]
    return float(np.mean(recall)), 1 / len(levels)


def r2(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Coefficient of determination per column, ``1 - SSE / SST``; NaN for a constant column."""
    truth = truth.astype(np.float64)
    error = np.square(truth - predicted).sum(axis=0)
    total = np.square(truth - truth.mean(axis=0)).sum(axis=0)
    total[np.ptp(truth, axis=0) == 0] = np.nan
    return 1 - error / total


def least_squares_r2(embedding: np.ndarray, targets: np.ndarray | Observables) -> np.ndarray:
    """R² of ordinary least squares on the rows it was fitted on (author's ``supp_03_sim.py``).

    By scikit-learn in single precision, as in his script: where the embedding has fewer dimensions
    than columns, a fit in double precision reads variables from what rounding left in the others.
    """
    from sklearn.linear_model import LinearRegression

    targets, inputs = Observables.of(targets), embedding.astype(np.float32)
    scores = []
    for block in column_blocks(*targets.shape):
        values = targets.columns(block)
        fitted = LinearRegression().fit(inputs, values.astype(np.float32))
        scores.append(r2(values, fitted.predict(inputs)))
    return np.concatenate(scores)


def column_blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Slices of columns that hold at most 16 million values, 128 MB in double precision."""
    size = max(1, _BLOCK_VALUES // n_rows)
    for start in range(0, n_columns, size):
        yield slice(start, min(start + size, n_columns))
