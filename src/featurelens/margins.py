"""Random binary matrices with the row and column sums of a given one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

ROUNDS = 40
"""Trades of every row in one draw.

With the numbers of the paper's first embedding (4,374 x 2,499, 95 ones a row) the overlap with the
start falls to its limit in 30 rounds; 40 take four seconds.
"""


def randomise_margins(
    matrix: sparse.csr_matrix, rng: np.random.Generator, *, rounds: int = ROUNDS
) -> sparse.csr_matrix:
    """Shuffle the ones of a binary matrix and keep every row sum and every column sum.

    Curveball (Strona et al. 2014, Nature Communications 5:4114) in global trades (Carstens et al.
    2018): in each round the rows are paired at random, and each pair deals the columns that only
    one of the two has out anew, as many to each as it had. The stationary distribution is uniform
    over all matrices with these margins.

    Parameters
    ----------
    matrix
        (n_rows, n_columns) of zeros and ones.
    rng
        Where the trades come from.
    rounds
        Times that every row trades (with an odd number of rows one sits out in each round).
    """
    matrix = sparse.csr_matrix(matrix)
    rows = np.split(matrix.indices.copy(), matrix.indptr[1:-1])
    held = np.zeros(matrix.shape[1], dtype=bool)
    for _ in range(rounds):
        order = rng.permutation(len(rows))
        for one, other in zip(order[0::2], order[1::2], strict=False):
            rows[one], rows[other] = _trade(rows[one], rows[other], held, rng)
    indices = np.concatenate(rows) if rows else matrix.indices
    shuffled = sparse.csr_matrix((matrix.data, indices, matrix.indptr), shape=matrix.shape)
    shuffled.sort_indices()
    return shuffled


def _trade(
    one: NDArray, other: NDArray, held: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """Both rows after dealing out what only one of them has; ``held`` is scratch, all false."""
    held[other] = True
    in_both = held[one]
    held[other] = False
    held[one] = True
    only_other = other[~held[other]]
    held[one] = False
    pool = np.concatenate([one[~in_both], only_other])
    if len(only_other) in (0, len(pool)):
        return one, other
    rng.shuffle(pool)
    cut = len(pool) - len(only_other)
    common = one[in_both]
    return np.concatenate([common, pool[:cut]]), np.concatenate([common, pool[cut:]])
