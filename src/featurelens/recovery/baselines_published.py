"""PCA, ICA and SVD as the author fitted them: as many components as asked for, whatever the rank.

Beyond the rank of the data components are rounding. Those of PCA and SVD come last and change
nothing before them. FastICA, which whitens its inputs, mixes them with the others at full strength.
What it finds depends on signs that linear algebra leaves open, in his run as in any other: with one
seed scikit-learn 1.1.3 and 1.9 find other components, within the rank too.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from featurelens.recovery.baselines import Baseline
from featurelens.simulation.observables import Observables

_FULL = 500
"""Longer side of the data up to which scikit-learn 1.1 decomposes it in full."""


class Published(NamedTuple):
    """Scores of a baseline as published."""

    scores: np.ndarray
    """(n_cells, n_components) float32."""
    n_components: int
    """Fitted."""
    kind: str
    """How they came about, for a log."""


def fit_published(observed: Observables, baseline: Baseline, *, seed: int) -> Published:
    """Fit as ``05_rebuttal_{pca,ica,svd}.py`` does (scikit-learn 1.1.3).

    Signs of PCA and SVD are those of that version: the largest score of a component is positive,
    unless there are more genes than cells and the decomposition is a randomised one. Where
    observables are not stored, the rounding beyond the rank cannot be had: components end at the
    rank there. NMF is not among the author's baselines and is taken as it is.

    Parameters
    ----------
    observed
        Y, (n_cells, n_genes).
    baseline
        What :func:`featurelens.recovery.baselines.fit_baseline` made of it.
    seed
        Of FastICA and of randomised solvers; the author's is 0 for FastICA and none for the others.
    """
    method, asked = baseline.method, min(baseline.n_requested, *observed.shape)
    if method == "nmf":
        return Published(baseline.scores, baseline.n_components, "not the author's: as ours")
    scores, is_stored = baseline.scores, observed.connectivity is None
    beyond = is_stored and asked > baseline.n_components
    if is_stored and (method == "ica" or beyond):
        scores = _fit(observed.cells, method, asked, seed)
    kind = "with rounding beyond the rank" if beyond else "within the rank"
    if method != "ica" and not _signed_by_genes(observed.shape, method, asked):
        largest = np.abs(scores).argmax(axis=0)
        scores = scores * np.where(scores[largest, np.arange(scores.shape[1])] < 0, -1, 1)
    return Published(scores.astype(np.float32), scores.shape[1], kind)


def _signed_by_genes(shape: tuple[int, int], method: str, n_components: int) -> bool:
    """Whether scikit-learn 1.1 makes the largest loading positive, not the largest score."""
    full = max(shape) <= _FULL or n_components >= 0.8 * min(shape)
    return shape[0] < shape[1] and (method == "svd" or not full)


def _fit(cells: np.ndarray, method: str, n_components: int, seed: int) -> np.ndarray:
    from sklearn.decomposition import PCA, FastICA, TruncatedSVD
    from sklearn.exceptions import ConvergenceWarning

    if method == "ica":
        model = FastICA(n_components, whiten="unit-variance", random_state=seed)
    else:
        model = (PCA if method == "pca" else TruncatedSVD)(n_components, random_state=seed)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        scores: np.ndarray = model.fit(cells).transform(cells)
    return scores
