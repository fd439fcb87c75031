"""PCA, ICA and SVD of observables that are not stored, exactly and without making them.

Y = X'' Mᵀ has as many columns as there are genes but the rank of the programs. With M = Q R, where
the columns of Q are orthonormal, Y = F Qᵀ with F = X'' Rᵀ, one column a program. Y and F have the
same singular values and left vectors, and Q takes a right vector of F to that of Y. What
scikit-learn makes of the whole Y follows from F, signs included.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import linalg

from featurelens.simulation.observables import Observables

MOST_ICA = 500
"""Iterations of ICA at most."""


def decompose(
    observables: Observables, *, centred: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Singular value decomposition of Y = X'' Mᵀ, in double precision.

    Parameters
    ----------
    observables
        Made of X'' and M, (n_cells, n_genes).
    centred
        Whether the mean of every gene is taken away first.

    Returns
    -------
    left : (n_cells, n_programs)
    sizes : (n_programs,)
    right : (n_programs, n_genes)
    """
    assert observables.connectivity is not None
    basis, triangle = linalg.qr(observables.connectivity.astype(np.float64), mode="economic")
    factor = observables.cells.astype(np.float64) @ triangle.T
    left, sizes, right = linalg.svd(
        factor - factor.mean(axis=0) if centred else factor, full_matrices=False
    )
    return left, sizes, right @ basis.T


def components(
    left: np.ndarray, sizes: np.ndarray, right: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (n_cells, n_components) and directions (n_components, n_genes) of PCA or SVD.

    As in scikit-learn, the largest loading of every direction is positive.
    """
    kept = right[:n_components]
    largest = np.abs(kept).argmax(axis=1)
    sign = np.where(kept[np.arange(len(kept)), largest] < 0, -1.0, 1.0)
    scores = left[:, :n_components] * sizes[:n_components] * sign
    return scores, kept * sign[:, None]


def independent_components(
    left: np.ndarray, sizes: np.ndarray, right: np.ndarray, n_components: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Scores of unit variance, directions and convergence of FastICA on whitened cells.

    scikit-learn's ``FastICA`` whitens the whole data, with the loadings of the first gene made
    positive, before it iterates; here it is given the cells white.
    """
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    sign = np.where(right[:n_components, 0] < 0, -1.0, 1.0)
    white = left[:, :n_components] * sign * np.sqrt(len(left))
    ica = FastICA(whiten=False, random_state=seed, max_iter=MOST_ICA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told by the third result
        scores = ica.fit_transform(white)
    scale = scores.std(axis=0)
    # white = cells @ directionsᵀ √n / sizes, so what a white unit adds to the genes is
    loading = right[:n_components] * (sign * sizes[:n_components] / np.sqrt(len(left)))[:, None]
    directions = linalg.inv(ica.components_ / scale[:, None]).T @ loading
    return scores / scale, directions, ica.n_iter_ < ica.max_iter
