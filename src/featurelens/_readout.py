"""Linear probes that read variables from an embedding.

The author's two (a gradient-trained layer and ordinary least squares, both scored by R²), and
their replacement: ridge regression in closed form with the penalty chosen by generalised
cross-validation, and a linear classifier on top of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

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


def fit_ridge(inputs: np.ndarray, targets: np.ndarray, *, shared: bool = False) -> Ridge:
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
    """
    n = len(inputs)
    mean, scale = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    scale[scale == 0] = 1.0
    standard = (inputs - mean) / scale
    target_mean = targets.mean(axis=0, dtype=np.float64)
    centred = targets - target_mean
    eigenvalues, axes = linalg.eigh(standard.T @ standard / n)
    eigenvalues = eigenvalues.clip(min=0)
    loadings = axes.T @ (standard.T @ centred) / n
    # per penalty (rows): RSS / n = total - sum over axes of loading² (s + 2λ) / (s + λ)²
    shrunk = eigenvalues + _PENALTIES[:, None]
    explained = ((shrunk + _PENALTIES[:, None]) / np.square(shrunk)) @ np.square(loadings)
    df = 1 + (eigenvalues / shrunk).sum(axis=1, keepdims=True)
    rss = (np.square(centred).mean(axis=0) - explained).clip(min=0)
    gcv = rss / np.square(1 - np.minimum(df / n, 1 - 1e-6))
    if shared:
        gcv = np.repeat(gcv.sum(axis=1, keepdims=True), gcv.shape[1], axis=1)
    penalty = _PENALTIES[gcv.argmin(axis=0)]
    coefficients = axes @ (loadings / (eigenvalues[:, None] + penalty)) / scale[:, None]
    return Ridge(coefficients, target_mean - mean @ coefficients, penalty)


def classify(inputs: np.ndarray, labels: np.ndarray, new: np.ndarray) -> np.ndarray:
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

    Returns
    -------
    (m,) labels among those of the training rows.
    """
    levels, codes = np.unique(labels, return_inverse=True)
    if len(levels) == 1:
        return np.full(len(new), levels[0])
    # one level less: the fitted values of all levels sum to one
    one_hot = (codes[:, None] == np.arange(len(levels) - 1)).astype(np.float64)
    ridge = fit_ridge(inputs, one_hot, shared=True)
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


def least_squares_r2(embedding: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """R² of ordinary least squares on the rows it was fitted on (author's ``supp_03_sim.py``)."""
    design = np.column_stack([np.ones(len(embedding)), embedding.astype(np.float64)])
    rounding = np.finfo(np.float64).eps * max(design.shape)  # scipy's own eps keeps null axes
    solution = linalg.lstsq(design, targets.astype(np.float64), cond=rounding)[0]
    return r2(targets, design @ solution)


def gradient_r2(
    embedding: np.ndarray,
    targets: np.ndarray,
    is_validation: np.ndarray,
    *,
    epochs: int,
    seed: int,
    threads: int,
) -> np.ndarray:
    """R² on validation rows of one linear layer trained by Adam (``02_autoencoder_training.py``).

    Author's ``large/02_autoencoder_training.py``: all targets at once and unscaled, learning rate
    1e-4, batches of 128, at most 100 epochs, stop after 10 without improvement, last weights.
    """
    import torch  # seconds to import, and only this probe needs it

    from featurelens import _gradient

    generator = torch.Generator().manual_seed(seed)
    initial = _gradient.linear_init(embedding.shape[1], targets.shape[1], generator)
    train, validation = (
        _gradient.Rows(
            torch.from_numpy(embedding[side].astype(np.float32)),
            torch.from_numpy(targets[side].astype(np.float32)),
        )
        for side in (~is_validation, is_validation)
    )
    schedule = _gradient.Schedule(
        learning_rate=1e-4,
        weight_decay=0,
        batch_size=128,
        epochs=epochs,
        patience=10,
        weights="last",
    )
    with _gradient.threads(threads):
        fitted = _gradient.fit(
            initial,
            [False],
            train,
            validation,
            schedule=schedule,
            generator=generator,
        )
    weight, bias = (part.astype(np.float64) for part in fitted.weights)
    return r2(targets[is_validation], embedding[is_validation] @ weight.T + bias)
