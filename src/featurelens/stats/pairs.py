"""Rows and columns of a matrix of similarities, paired one to one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


class Pairs(NamedTuple):
    """Pairs of a row and a column, each in one pair at most."""

    left: NDArray[np.integer]
    """Rows, in order, (n_pairs,)."""
    right: NDArray[np.integer]
    """The column of each, (n_pairs,)."""
    similarity: NDArray[np.float64]
    """Of each pair, (n_pairs,)."""


def best_pairs(similarity: NDArray[np.float64]) -> Pairs:
    """Pairs with the largest sum of similarities; what is left over of the longer side has none.

    Parameters
    ----------
    similarity
        (n_left, n_right), finite. Time grows with the cube of the shorter side: seconds for 2,000,
        minutes for 10,000.

    Examples
    --------
    Row 1 would like column 0 best, but leaves it to row 0: 0.9 + 0.6 is above 0.8 + 0.1.

    >>> best_pairs(np.array([[0.9, 0.1], [0.8, 0.6]])).right
    array([0, 1])
    """
    left, right = linear_sum_assignment(similarity, maximize=True)
    return Pairs(left, right, similarity[left, right])
