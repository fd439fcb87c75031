"""Linear baselines that stand where an SAE stands: PCA, ICA, SVD and NMF of the observables.

Components beyond the numerical rank are rounding, and ICA would whiten it to full strength; the
author's 150 components on data of rank 100 hold fifty of them. The number
of components is therefore capped at the rank, and all of them are compared with every variable
(defect 6 compared the first few).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import linalg

from featurelens.recovery.factored import (
    MOST_ICA,
    components,
    decompose,
    independent_components,
)
from featurelens.simulation.observables import Observables

Method = Literal["pca", "ica", "svd", "nmf"]

METHODS = get_args(Method)
"""Every decomposition."""

RELATIVE_RANK = 1e-6
MOST_NMF = 300
"""Iterations of NMF at most."""
_EXACT = 4_096


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline."""

    scores: np.ndarray
    """(n_cells, n_components) float32; signed, those of NMF not negative."""
    directions: np.ndarray
    """(n_components, n_genes) float32: what one unit of a component adds to the observables."""
    method: str
    """``pca``, ``ica``, ``svd`` or ``nmf``."""
    n_components: int
    """Components fitted: ``n_requested`` capped at ``rank``."""
    n_requested: int
    """Components asked for."""
    rank: int
    """Numerical rank of the data as the method sees it: centred for PCA and ICA, as it is for SVD
    and NMF.
    Not counted beyond ``n_requested`` + 1 where neither side of the data is below 4,096."""
    converged: bool
    """False when ICA or NMF reached its last iteration without settling."""


def fit_baseline(
    observables: np.ndarray | Observables, method: Method, n_components: int, *, seed: int
) -> Baseline:
    """Decompose the observables.

    Parameters
    ----------
    observables : (n_cells, n_genes)
        Where they are not stored, their factors are decomposed, exactly and with the same result
        (by NMF, Y of all these cells is made in single precision).
    method
        ``pca`` (scikit-learn ``PCA``), ``ica`` (``FastICA``), ``svd`` (``TruncatedSVD``) or
        ``nmf`` (``NMF`` by coordinate descent; the few observables that the noise of the batches
        leaves below 0 count as 0).
    n_components
        How many components are asked for.
    seed
        For ICA's start and for randomised solvers and starts.

    Raises
    ------
    ValueError
        If the data has no variance, or the method is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"unknown baseline {method!r}; choose {', '.join(METHODS)}")
    observed = Observables.of(observables)
    is_centred = method in ("pca", "ica")
    if observed.connectivity is None:
        data = observed.cells.astype(np.float64)
        seen = data - data.mean(axis=0) if is_centred else data
        rank = numerical_rank(seen, at_most=n_components + 1, seed=seed)
    else:
        factors = decompose(observed, centred=is_centred)
        rank = _count(factors[1])
    if rank == 0:
        raise ValueError(f"{method}: the observables are constant; there is nothing to decompose")
    n_fitted = min(n_components, rank)
    if observed.connectivity is not None and method == "nmf":
        made = observed.rows(slice(None))  # its factors are of no use to what counts Y above 0
        scores, directions, converged = _fit(made, method, n_fitted, seed)
    elif observed.connectivity is None:
        scores, directions, converged = _fit(data, method, n_fitted, seed)
    elif method == "ica":
        scores, directions, converged = independent_components(*factors, n_fitted, seed=seed)
    else:
        scores, directions, converged = *components(*factors, n_fitted), True
    return Baseline(
        scores.astype(np.float32),
        directions.astype(np.float32),
        method,
        n_fitted,
        n_components,
        rank,
        converged,
    )


def numerical_rank(data: np.ndarray, *, at_most: int | None = None, seed: int = 0) -> int:
    """Count singular values above a millionth of the largest.

    Observables are stored in single precision, whose rounding leaves singular values of about a
    ten-millionth of the largest; a component that carries anything is far above.

    Parameters
    ----------
    data : (n_cells, n_genes)
    at_most
        Where both sides exceed 4,096, stop counting here (randomised decomposition).
    seed
        Of the randomised decomposition.
    """
    if min(data.shape) <= _EXACT or at_most is None:
        values = linalg.svdvals(data)
    else:
        from sklearn.utils.extmath import randomized_svd

        values = randomized_svd(data, at_most, random_state=seed)[1]
    return _count(values)


def _count(values: np.ndarray) -> int:
    """Singular values above a millionth of the largest."""
    return int((values > RELATIVE_RANK * values[0]).sum()) if values[0] > 0 else 0


def _fit(
    data: np.ndarray, method: Method, n_components: int, seed: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Scores (n_cells, n_components), directions (n_components, n_genes), and convergence."""
    from sklearn.exceptions import ConvergenceWarning

    model = _model(method, n_components, seed)
    with warnings.catch_warnings():
        # told by ``converged``: a table of many runs says it better than a line in a log
        warnings.simplefilter("ignore", ConvergenceWarning)
        scores = model.fit_transform(np.maximum(data, 0) if method == "nmf" else data)
    directions = model.mixing_.T if method == "ica" else model.components_
    return scores, directions, method in ("pca", "svd") or model.n_iter_ < model.max_iter


def _model(method: Method, n_components: int, seed: int):  # type: ignore[no-untyped-def]
    """What scikit-learn fits by a method; PCA and SVD do not iterate until they settle."""
    from sklearn.decomposition import NMF, PCA, FastICA, TruncatedSVD

    if method == "ica":
        return FastICA(n_components, whiten="unit-variance", random_state=seed, max_iter=MOST_ICA)
    if method == "nmf":
        return NMF(n_components, init="nndsvda", random_state=seed, max_iter=MOST_NMF)
    return (PCA if method == "pca" else TruncatedSVD)(n_components, random_state=seed)
