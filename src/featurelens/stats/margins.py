"""Random binary matrices with the row and column sums of a given one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from scipy import sparse

ROUNDS = 40
"""Trades of every row in one draw.

With the numbers of the paper's first embedding (4,374 x 2,499, 95 ones a row) the overlap with the
start falls to its limit in 30 rounds.
"""
_WORD = 64


def randomise_margins(
    matrix: sparse.csr_matrix, rng: np.random.Generator, *, rounds: int = ROUNDS
) -> sparse.csr_matrix:
    """Shuffle the ones of a binary matrix and keep every row sum and every column sum.

    See :func:`trade`.

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
    bits = pack(matrix.toarray() != 0)
    trade(bits, rng, rounds=rounds)
    shuffled = sparse.csr_matrix(unpack(bits, matrix.shape[1]))
    return shuffled.astype(matrix.dtype)


def pack(binary: np.ndarray) -> np.ndarray:
    """Store the rows of a binary matrix as bits, (n_rows, n_columns / 64 rounded up) uint64.

    Examples
    --------
    >>> pack(np.ones((2, 65), dtype=bool)).shape
    (2, 2)
    """
    n_rows, n_columns = binary.shape
    size = -(-n_columns // _WORD) * _WORD // 8
    packed = np.zeros((n_rows, size), dtype=np.uint8)
    packed[:, : -(-n_columns // 8)] = np.packbits(binary, axis=1)
    return packed.view(np.uint64)


def unpack(bits: np.ndarray, n_columns: int) -> np.ndarray:
    """The matrix (n_rows, n_columns) bool of which :func:`pack` made ``bits``.

    Examples
    --------
    >>> unpack(pack(np.array([[True, False, True]])), 3)
    array([[ True, False,  True]])
    """
    return np.unpackbits(bits.view(np.uint8), axis=1, count=n_columns).view(bool)


def trade(bits: np.ndarray, rng: np.random.Generator, *, rounds: int) -> None:
    """Shuffle a packed matrix in place and keep its margins.

    Curveball (Strona et al. 2014, Nature Communications 5:4114) in global trades (Carstens et al.
    2018): in each round the rows are paired at random, and each pair deals the columns that only
    one of the two has out anew, as many to each as it had. The stationary distribution is uniform
    over all matrices with these margins. What two rows share is left alone, whether ones or zeros,
    so that a dense matrix is as fast as its complement.

    Parameters
    ----------
    bits
        Of :func:`pack`.
    rng
        Where the trades come from.
    rounds
        Times that every row trades.
    """
    for _ in range(rounds):
        _round(bits, rng.permutation(len(bits)), rng.integers(2**64, dtype=np.uint64))


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile on first use; kept on disk where numba finds a writable place."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba's "no locator available": neither source nor home is writable
        return njit(nogil=True)(function)


@_compiled
def _round(bits: np.ndarray, order: np.ndarray, seed: np.uint64) -> None:
    """Let every pair of consecutive rows of ``order`` trade.

    The differing columns are dealt one by one: the next one goes to the first row with the
    probability of the places it still has over the columns that are left, which makes every deal
    equally likely (Knuth, algorithm S). Random numbers are those of splitmix64.
    """
    first, second, third = (
        np.uint64(0x9E3779B97F4A7C15),
        np.uint64(0xBF58476D1CE4E5B9),
        np.uint64(0x94D049BB133111EB),
    )
    zero, one = np.uint64(0), np.uint64(1)
    half = np.uint64(32)
    state = seed
    for pair in range(len(order) // 2):
        a, b = bits[order[2 * pair]], bits[order[2 * pair + 1]]
        left, open_places = zero, zero  # columns that differ; how many of them the first row gets
        for word in range(len(a)):
            differs = a[word] ^ b[word]
            mine = a[word] & differs
            while differs != zero:
                differs &= differs - one
                left += one
            while mine != zero:
                mine &= mine - one
                open_places += one
        if open_places in (zero, left):
            continue
        for word in range(len(a)):
            differs = a[word] ^ b[word]
            rest, dealt = differs, zero
            while rest != zero:
                bit = rest & (~rest + one)
                rest ^= bit
                state += first
                z = (state ^ (state >> np.uint64(30))) * second
                z = (z ^ (z >> np.uint64(27))) * third
                z ^= z >> np.uint64(31)
                if ((z >> half) * left) >> half < open_places:
                    dealt |= bit
                    open_places -= one
                left -= one
            shared = a[word] & b[word]
            a[word] = shared | dealt
            b[word] = shared | (differs ^ dealt)
