"""Ranks with ties, and the rank-sum test of many rows at once (Mann-Whitney)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from featurelens.stats.arrays import Floats
from featurelens.stats.welch import ratio

EXACT_SIZE = 8
"""Largest first group whose rank sum is tested exactly: scipy's bound."""


@dataclass(frozen=True)
class RankSum:
    """Mann-Whitney's U of the first group, U over its maximum, the z score and the p."""

    u: Floats
    effect: Floats
    z: Floats
    p: Floats


def rank_rows(values: NDArray) -> tuple[Floats, Floats]:
    """Mid-ranks within each row, and the row's tie term.

    Parameters
    ----------
    values
        (n_rows, n) numbers; NaN gets rank NaN and is left out.

    Returns
    -------
    ranks, ties
        (n_rows, n) ranks from 1, equal values sharing their mean rank; (n_rows,) sum of
        t^3 - t over groups of t equal values.

    Examples
    --------
    >>> ranks, ties = rank_rows(np.array([[7, 1, 7, np.nan]]))
    >>> ranks, ties  # two equal values: 2³ - 2
    (array([[2.5, 1. , 2.5, nan]]), array([6.]))
    """
    order = np.argsort(values, axis=1)  # NaN last
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.broadcast_to(np.arange(1.0, values.shape[1] + 1), values.shape).copy()
    ties = np.zeros(len(values))
    equal = ordered[:, 1:] == ordered[:, :-1]
    for row in np.flatnonzero(equal.any(axis=1)):
        first = np.flatnonzero(np.concatenate([[True], ~equal[row]]))
        size = np.diff(np.concatenate([first, [values.shape[1]]]))
        places[row] = np.repeat(first + (size + 1) / 2, size)
        ties[row] = float((size.astype(float) ** 3 - size).sum())
    places[np.isnan(ordered)] = np.nan
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, places, axis=1)
    return ranks, ties


def rank_sum(rank_total: ArrayLike, n_in: ArrayLike, n_all: ArrayLike, ties: ArrayLike) -> RankSum:
    """Two-sided Mann-Whitney test.

    Equals ``scipy.stats.mannwhitneyu(first, rest, method="auto")``: exact where the first group
    has at most :data:`EXACT_SIZE` observations, no more than the rest, and nothing is tied; normal
    otherwise, corrected for ties and continuity.

    Parameters
    ----------
    rank_total
        Sum of the ranks of the first group among all observations.
    n_in, n_all
        Size of the first group, and of both together.
    ties
        Tie term of :func:`rank_rows`.

    Returns
    -------
    RankSum
        ``effect`` is the probability that an observation of the first group exceeds one of the
        rest (the area under the ROC curve). z has the sign of effect - 1/2. NaN where a group is
        empty or all values are equal.

    Examples
    --------
    The two lowest of four, one of six equally likely pairs, and as far out on the other side:

    >>> test = rank_sum(1 + 2, 2, 4, 0)
    >>> float(test.u), float(test.effect), round(float(test.p), 4)
    (0.0, 0.0, 0.3333)
    """
    rank_total, n_in, n_all, ties = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (rank_total, n_in, n_all, ties))
    )
    n_out = n_all - n_in
    u = rank_total - n_in * (n_in + 1) / 2
    excess = u - n_in * n_out / 2
    variance = n_in * n_out / 12 * (n_all + 1 - ratio(ties, n_all * (n_all - 1)))
    distance = ratio(np.abs(excess) - 0.5, np.sqrt(variance))
    p = np.asarray(np.minimum(1.0, 2 * special.ndtr(-distance)))
    exact = (ties == 0) & (n_in >= 1) & (n_in <= EXACT_SIZE) & (n_in <= n_out)
    for first, rest in np.unique(np.stack([n_in[exact], n_out[exact]]), axis=1).T:
        here = exact & (n_in == first) & (n_out == rest)
        lower = np.minimum(u[here], first * rest - u[here]).astype(int)
        p[here] = np.minimum(1.0, 2 * _exact_lower_tail(int(first), int(rest))[lower])
    return RankSum(u=u, effect=ratio(u, n_in * n_out), z=np.sign(excess) * distance, p=p)


def rank_sum_published(rank_total: ArrayLike, n_in: ArrayLike, n_all: ArrayLike) -> RankSum:
    """Mann-Whitney test as published (author's ``mann_whitney_u_test``).

    U counts the pairs in which the first group is LOWER, z belongs to the smaller of the two Us,
    and p is the lower tail of z: at most one half, half of a two-sided p. No correction for ties.

    Examples
    --------
    >>> test = rank_sum_published(1 + 2, 2, 4)  # z = (0 - 2) / sqrt(2 · 2 · 5 / 12)
    >>> float(test.u), float(test.effect), round(float(test.z), 3)
    (4.0, 1.0, -1.549)
    """
    n_in, n_all = np.asarray(n_in, dtype=float), np.asarray(n_all, dtype=float)
    n_out = n_all - n_in
    u = n_in * n_out + n_in * (n_in + 1) / 2 - np.asarray(rank_total, dtype=float)
    z = ratio(
        np.minimum(u, n_in * n_out - u) - n_in * n_out / 2,
        np.sqrt(n_in * n_out * (n_all + 1) / 12),
    )
    return RankSum(u=u, effect=ratio(u, n_in * n_out), z=z, p=special.ndtr(z))


@cache
def _exact_lower_tail(first: int, rest: int) -> Floats:
    """P(U <= u) for u from 0 to half of first x rest, when every order is equally likely.

    Orders with a given U are counted by the Gaussian binomial coefficient, the product over i of
    (1 - q^(rest + i)) / (1 - q^i). Up to its middle the coefficients only grow, so that what is
    subtracted is never larger than what remains.
    """
    counts = np.zeros(first * rest // 2 + 1)
    counts[0] = 1.0
    for i in range(1, first + 1):
        counts[rest + i :] -= counts[: max(0, len(counts) - rest - i)].copy()
        for offset in range(i):
            counts[offset::i] = np.cumsum(counts[offset::i])
    return np.cumsum(counts) / special.binom(first + rest, first)
