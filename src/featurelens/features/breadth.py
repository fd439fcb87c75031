"""Over how many cell types a feature is spread, in numbers that need no statistics to read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def type_specificity(type_means: NDArray) -> NDArray[np.float64]:
    """Tau of each feature: 0 where all cell types activate it alike, 1 where a single type does.

    ``tau = sum_t (1 - m_t / max m) / (T - 1)`` over the T cell types, with m_t the mean activation
    in type t (Yanai et al. 2005, Bioinformatics 21:650, there for genes over tissues).

    Parameters
    ----------
    type_means
        (n_features, n_types), not negative.

    Returns
    -------
    ndarray
        (n_features,); NaN for features that are never active, and for all with a single type.

    Examples
    --------
    >>> type_specificity(np.array([[1, 1, 1], [2, 0, 0], [2, 1, 0], [0, 0, 0]]))
    array([0.  , 1.  , 0.75,  nan])
    """
    n_types = type_means.shape[1]
    highest = type_means.max(axis=1, keepdims=True)
    relative = np.divide(
        type_means, highest, out=np.full(type_means.shape, np.nan), where=highest > 0
    )
    if n_types < 2:
        return np.full(len(type_means), np.nan)
    return (1 - relative).sum(axis=1) / (n_types - 1)


def type_entropy(type_means: NDArray) -> NDArray[np.float64]:
    """Entropy of each feature over types, in bits: 0 for a single type, log2 T for all alike.

    Of the types' shares ``m_t / sum m`` of their mean activations, so that a type of many cells
    counts as much as one of few.

    Examples
    --------
    >>> type_entropy(np.array([[1, 1, 1, 1], [2, 0, 0, 0], [2, 1, 1, 0], [0, 0, 0, 0]]))
    array([2. , 0. , 1.5, nan])
    """
    total = type_means.sum(axis=1, keepdims=True)
    share = np.divide(type_means, total, out=np.full(type_means.shape, np.nan), where=total > 0)
    logarithm = np.log2(share, out=np.zeros_like(share), where=share > 0)
    return -(share * logarithm).sum(axis=1) + 0.0
