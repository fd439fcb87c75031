"""Vectorised statistics over arrays: Welch, rank sum, Benjamini-Hochberg, Simes.

Every function takes arrays of any (broadcastable) shape and returns arrays. What cannot be
computed (a group of one, no variance, an empty set) is NaN, never a default. ``scipy.stats`` is
left alone: it costs most of a second, and the workflow imports this while it plans.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from featurelens.stats.arrays import Floats


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


def welch(first: Moments, second: Moments) -> TTest:
    """Welch's unequal-variance t-test, two-sided (Welch 1947).

    t = (m1 - m2) / sqrt(v1/n1 + v2/n2), df by Welch and Satterthwaite. NaN where a group has
    fewer than two observations or neither group varies. Below about 1e-300 p may be 0:
    :func:`log_t_p` stays finite.

    Examples
    --------
    1, 2, 3 against 2, 4, 6: t = -2 / sqrt(1/3 + 4/3), df = (5/3)² / ((1/3)²/2 + (4/3)²/2) = 50/17.

    >>> first, second = (Moments(*map(np.array, group)) for group in ((3, 2.0, 1.0), (3, 4.0, 4.0)))
    >>> test = welch(first, second)
    >>> round(float(test.t), 4), round(float(test.df), 4)
    (-1.5492, 2.9412)
    """
    return t_of_difference(estimate(first), estimate(second))


def t_of_difference(first: Estimate, second: Estimate, *, below: float = 1.0) -> TTest:
    """Student's t of the difference of two independent means, df by Welch and Satterthwaite.

    ``below`` as of :func:`t_two_sided`.
    """
    error = first.error + second.error
    t = t_statistic(first, second)
    df = ratio(error**2, ratio(first.error**2, first.df) + ratio(second.error**2, second.df))
    return TTest(t=t, df=df, p=t_two_sided(t, df, below=below))


def t_statistic(first: Estimate, second: Estimate) -> Floats:
    """The difference of two independent means over its standard error.

    Examples
    --------
    >>> first, second = (Estimate(*map(np.array, mean)) for mean in ((5, 9, 1), (0, 16, 1)))
    >>> float(t_statistic(first, second))  # 5 / sqrt(9 + 16)
    1.0
    """
    return ratio(first.mean - second.mean, np.sqrt(first.error + second.error))


def estimate(moments: Moments) -> Estimate:
    """The mean of independent observations: squared error v / n, n - 1 degrees of freedom."""
    return Estimate(moments.mean, ratio(moments.variance, moments.n), moments.n - 1)


def t_two_sided(t: ArrayLike, df: ArrayLike, *, below: float = 1.0) -> Floats:
    """Two-sided p of Student's t.

    Parameters
    ----------
    below
        Larger p need not be known: where the normal distribution's is larger, 1 is returned.
        Student's distribution has the heavier tails, so its p is larger still.

    Examples
    --------
    >>> round(float(t_two_sided(1, 1)), 12)  # Cauchy: half of it lies outside of one
    0.5
    >>> p = t_two_sided([1, 100], 1, below=0.05)
    >>> float(p[0]), round(float(p[1]), 4)
    (1.0, 0.0064)
    """
    size, degrees = np.abs(np.asarray(t, dtype=float)), np.asarray(df, dtype=float)
    if below >= 1:
        return 2 * special.stdtr(degrees, -size)
    known = ~(size < special.ndtri(1 - below / 2) * (1 - 1e-9)) | np.isnan(degrees)
    halves = np.full(known.shape, 0.5)
    return 2 * special.stdtr(degrees, -size, out=halves, where=known)


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


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; NaN where the denominator is not positive.

    Examples
    --------
    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(
        numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
    )
