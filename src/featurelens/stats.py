"""Vectorised statistics over arrays: Welch, rank sum, Benjamini-Hochberg, Simes.

Every function takes arrays of any (broadcastable) shape and returns arrays. What cannot be
computed (a group of one, no variance, an empty set) is NaN, never a default. ``scipy.stats`` is
left alone: it costs most of a second, and the workflow imports this while it plans.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

EXACT_SIZE = 8
"""Largest first group whose rank sum is tested exactly: scipy's bound."""


@dataclass(frozen=True)
class Moments:
    """Size, mean and unbiased variance of groups of observations (arrays of one shape)."""

    n: Floats
    mean: Floats
    variance: Floats


@dataclass(frozen=True)
class Estimate:
    """A mean, its squared standard error and the degrees of freedom of that error."""

    mean: Floats
    error: Floats
    df: Floats


@dataclass(frozen=True)
class TTest:
    """Welch's t, its degrees of freedom and the two-sided p."""

    t: Floats
    df: Floats
    p: Floats


@dataclass(frozen=True)
class RankSum:
    """Mann-Whitney's U of the first group, U over its maximum, the z score and the p."""

    u: Floats
    effect: Floats
    z: Floats
    p: Floats


def welch(first: Moments, second: Moments) -> TTest:
    """Welch's unequal-variance t-test, two-sided (Welch 1947).

    t = (m1 - m2) / sqrt(v1/n1 + v2/n2), df by Welch and Satterthwaite. NaN where a group has
    fewer than two observations or neither group varies. Below about 1e-300 p may be 0:
    :func:`log_t_p` stays finite.
    """
    return t_of_difference(estimate(first), estimate(second))


def t_of_difference(first: Estimate, second: Estimate) -> TTest:
    """Student's t of the difference of two independent means, df by Welch and Satterthwaite."""
    error = first.error + second.error
    t = ratio(first.mean - second.mean, np.sqrt(error))
    df = ratio(error**2, ratio(first.error**2, first.df) + ratio(second.error**2, second.df))
    return TTest(t=t, df=df, p=t_two_sided(t, df))


def estimate(moments: Moments) -> Estimate:
    """The mean of independent observations: squared error v / n, n - 1 degrees of freedom."""
    return Estimate(moments.mean, ratio(moments.variance, moments.n), moments.n - 1)


def t_two_sided(t: ArrayLike, df: ArrayLike) -> Floats:
    """Two-sided p of Student's t."""
    return 2 * special.stdtr(np.asarray(df, dtype=float), -np.abs(np.asarray(t, dtype=float)))


def log_t_p(t: ArrayLike, df: ArrayLike) -> Floats:
    """Natural logarithm of the two-sided p of Student's t, also where p underflows.

    The p is the regularised incomplete beta function I_x(df/2, 1/2) at x = df/(df + t^2)
    (Abramowitz & Stegun 26.7.1); where it is small, its series 26.5.23 is summed in logarithms.
    """
    t, df = np.broadcast_arrays(np.asarray(t, dtype=float), np.asarray(df, dtype=float))
    p = t_two_sided(t, df)
    small = p < 1e-200
    log_p = np.log(p, out=np.full(p.shape, np.nan), where=~small & ~np.isnan(p))
    a, x = df[small] / 2, df[small] / (df[small] + t[small] ** 2)
    log_p[small] = (
        a * np.log(x)
        + 0.5 * np.log1p(-x)
        - np.log(a)
        - special.betaln(a, 0.5)
        + np.log(special.hyp2f1(a + 0.5, 1.0, a + 1.0, x))
    )
    return log_p


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
    has at most :data:`EXACT_SIZE` observations, fewer than the rest, and nothing is tied; normal
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
    """
    n_in, n_all = np.asarray(n_in, dtype=float), np.asarray(n_all, dtype=float)
    n_out = n_all - n_in
    u = n_in * n_out + n_in * (n_in + 1) / 2 - np.asarray(rank_total, dtype=float)
    z = ratio(
        np.minimum(u, n_in * n_out - u) - n_in * n_out / 2,
        np.sqrt(n_in * n_out * (n_all + 1) / 12),
    )
    return RankSum(u=u, effect=ratio(u, n_in * n_out), z=z, p=special.ndtr(z))


def log_normal_p(z: ArrayLike) -> Floats:
    """Natural logarithm of the two-sided p of a normal score, also where p underflows."""
    z = np.asarray(z, dtype=float)
    return np.minimum(0.0, np.log(2.0) + special.log_ndtr(-np.abs(z)))


def bh(p: ArrayLike, axis: int = -1) -> Floats:
    """Benjamini-Hochberg adjusted p along an axis; NaN stays NaN and does not count."""
    p = np.moveaxis(np.asarray(p, dtype=float), axis, -1)
    n_tests = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    order = np.argsort(p, axis=-1)
    steps = np.take_along_axis(p, order, axis=-1) * n_tests / np.arange(1, p.shape[-1] + 1)
    steps = np.where(np.isnan(steps), np.inf, steps)
    lowest = np.minimum.accumulate(steps[..., ::-1], axis=-1)[..., ::-1]
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(lowest, 1.0), axis=-1)
    adjusted[np.isnan(p)] = np.nan
    return np.moveaxis(adjusted, -1, axis)


def simes(p: ArrayLike, axis: int = -1) -> Floats:
    """Simes' p of the hypothesis that nothing along the axis is real (Simes 1986).

    The smallest n p_(i) / i, which is the smallest adjusted p of :func:`bh`; NaN where no p exists.
    """
    adjusted = bh(p, axis=axis)
    missing = np.isnan(adjusted).all(axis=axis)
    lowest = np.min(np.where(np.isnan(adjusted), np.inf, adjusted), axis=axis)
    return np.where(missing, np.nan, lowest)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; NaN where the denominator is not positive."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
    )


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
