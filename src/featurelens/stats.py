"""Vectorised statistics over arrays: Welch, rank sum, binomial, hypergeometric, BH, Simes.

Every function takes arrays of any (broadcastable) shape and returns arrays. What cannot be
computed (a group of one, no variance, an empty set) is NaN, never a default. ``scipy.stats`` is
imported where it is used: it costs most of a second, and the workflow imports this while it plans.
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


def moments(n: ArrayLike, total: ArrayLike, total_of_squares: ArrayLike) -> Moments:
    """Mean and variance (n - 1) from sufficient statistics.

    Sums should be of values centred near zero. A sum of squared deviations below 1e-12 of the sum
    of squares is rounding and is set to zero. Empty groups have mean NaN, groups below two
    variance NaN.
    """
    n = np.asarray(n, dtype=float)
    total, squares = np.asarray(total, dtype=float), np.asarray(total_of_squares, dtype=float)
    mean = ratio(total, n)
    spread = squares - total * mean
    spread = np.where(spread <= 1e-12 * squares, 0.0, spread)
    return Moments(n=n, mean=mean, variance=np.where(n < 2, np.nan, ratio(spread, n - 1)))


def welch(first: Moments, second: Moments) -> TTest:
    """Welch's unequal-variance t-test, two-sided (Welch 1947).

    t = (m1 - m2) / sqrt(v1/n1 + v2/n2), df by Welch and Satterthwaite. NaN where a group has
    fewer than two observations or neither group varies. Below about 1e-300 p may be 0:
    :func:`log_t_p` stays finite.
    """
    return t_of_difference(estimate(first), estimate(second))


def t_of_difference(first: Estimate, second: Estimate) -> TTest:
    """T of the difference of two independent means, df by Welch and Satterthwaite."""
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
    from scipy import stats

    ranks = stats.rankdata(values, axis=1, nan_policy="omit")
    ordered = np.sort(ranks, axis=1)  # NaN last, and never equal to another
    ties = np.zeros(len(ranks))
    tied_rows = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    for row in tied_rows:
        _, size = np.unique(ranks[row][~np.isnan(ranks[row])], return_counts=True)
        ties[row] = float((size.astype(float) ** 3 - size).sum())
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


def binomial_two_sided(hits: ArrayLike, n: ArrayLike, probability: ArrayLike) -> Floats:
    """Exact two-sided binomial p, equal to ``scipy.stats.binomtest`` element by element.

    Sums the probability of every outcome that is at most as likely as the observed one. Each
    distinct triple is computed once. NaN where n is 0 or an argument is NaN.
    """
    return _once_per_triple(_binomial_two_sided, hits, n, probability)


def hypergeometric(hits: ArrayLike, n_all: int, n_marked: ArrayLike, n_drawn: ArrayLike) -> Floats:
    """One-sided over-representation p: probability of at least ``hits`` marked genes.

    Equals ``scipy.stats.hypergeom.sf(hits - 1, n_all, n_marked, n_drawn)``. NaN where nothing is
    drawn or nothing is marked.
    """

    def tail(k: Floats, marked: Floats, drawn: Floats) -> Floats:
        # The rare side of the mean is summed: sums of the common side may start from zero.
        common = k <= marked * drawn / n_all
        p = _hypergeometric_tail(
            np.where(common, drawn - k + 1, k),
            float(n_all),
            np.where(common, n_all - marked, marked),
            drawn,
        )
        p = np.where(common, 1 - p, p)
        return np.where((drawn == 0) | (marked == 0), np.nan, p)

    return _once_per_triple(tail, hits, n_marked, n_drawn)


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


def _once_per_triple(function, *arguments: ArrayLike) -> Floats:  # type: ignore[no-untyped-def]
    """Evaluate a slow function of three arguments once per distinct triple."""
    arrays = np.broadcast_arrays(*[np.asarray(value, dtype=float) for value in arguments])
    triples = np.stack([array.ravel() for array in arrays], axis=1)
    known = ~np.isnan(triples).any(axis=1)
    distinct, inverse = np.unique(triples[known], axis=0, return_inverse=True)
    result = np.full(len(triples), np.nan)
    result[known] = function(*distinct.T)[inverse.ravel()]
    return result.reshape(arrays[0].shape)


def _hypergeometric_tail(k: Floats, n_all: float, marked: Floats, drawn: Floats) -> Floats:
    """Probability of at least k, summed upwards from its first term until terms vanish."""
    start = np.maximum(k, np.maximum(0.0, marked + drawn - n_all))
    last = np.minimum(marked, drawn)
    term = np.exp(
        _log_choose(marked, start)
        + _log_choose(n_all - marked, drawn - start)
        - _log_choose(np.full_like(drawn, n_all), drawn)
    )
    term = np.where(start > last, 0.0, term)
    total, x = term.copy(), start
    while (growing := (x < last) & (term > 1e-17 * total)).any():
        step = (marked - x) * (drawn - x) / ((x + 1) * (n_all - marked - drawn + x + 1))
        term, x = np.where(growing, term * step, 0.0), x + 1
        total += term
    return total


def _log_choose(n: Floats, k: Floats) -> Floats:
    """Logarithm of the binomial coefficient; values outside 0 <= k <= n are not used."""
    k = np.clip(k, 0, n)
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def _binomial_two_sided(k: Floats, n: Floats, probability: Floats) -> Floats:
    """Two-sided p of distinct triples: both tails from the mode outwards."""
    from scipy import stats

    mean = n * probability
    below = k < mean
    # As in scipy.stats.binomtest: outcomes count as equally likely up to this rounding.
    likely = stats.binom.pmf(k, n, probability) * (1 + 1e-7)
    opposite = _opposite_outcome(likely, n, probability, below)
    lower = stats.binom.cdf(np.where(below, k, opposite), n, probability)
    upper = stats.binom.sf(np.where(below, opposite, k) - 1, n, probability)
    p = np.where(k == mean, 1.0, np.minimum(1.0, lower + upper))
    return np.where(n > 0, p, np.nan)


def _opposite_outcome(likely: Floats, n: Floats, probability: Floats, below: NDArray) -> Floats:
    """Nearest outcome on the other side of the mean that is at most as likely, by bisection.

    Steps run outwards from the mean; the last (outcome n + 1 or -1) has probability zero.
    """
    from scipy import stats

    start = np.where(below, np.ceil(n * probability), np.floor(n * probability))
    direction = np.where(below, 1.0, -1.0)
    low, high = np.zeros_like(start), np.where(below, n + 1 - start, start + 1)
    while (low < high).any():
        middle = np.floor((low + high) / 2)
        rare = stats.binom.pmf(start + direction * middle, n, probability) <= likely
        low, high = np.where(rare, low, middle + 1), np.where(rare, middle, high)
    return start + direction * low
