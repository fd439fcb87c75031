"""Exact tests of counts, binomial and hypergeometric, for arrays with many repeated arguments.

They give natural logarithms, which stay finite where a p underflows. What cannot be computed is
NaN, never a default.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from featurelens.stats.arrays import Floats


def log_binomial_two_sided(hits: ArrayLike, n: ArrayLike, probability: ArrayLike) -> Floats:
    """Natural logarithm of the exact two-sided binomial p, finite where p underflows.

    Equal to ``scipy.stats.binomtest`` element by element: sums the probability of every outcome
    that is at most as likely as the observed one. Each distinct triple is computed once. NaN where
    n is 0 or an argument is NaN.

    Examples
    --------
    >>> p = np.exp(log_binomial_two_sided([3, 2, 0], [3, 3, 0], 0.5))  # 2 / 2³, and all outcomes
    >>> p.round(12)
    array([0.25, 1.  ,  nan])
    """
    return _once_per_triple(_log_binomial_two_sided, hits, n, probability)


def log_hypergeometric(
    hits: ArrayLike, n_all: int, n_marked: ArrayLike, n_drawn: ArrayLike
) -> Floats:
    """Natural logarithm of the one-sided over-representation p, finite where p underflows.

    Probability of at least ``hits`` marked genes among those drawn, as
    ``scipy.stats.hypergeom.logsf(hits - 1, n_all, n_marked, n_drawn)``. NaN where nothing is drawn
    or nothing is marked.

    Examples
    --------
    >>> p = np.exp(log_hypergeometric([2, 1], 4, 2, 2))  # one of 6 pairs holds both, 5 hold one
    >>> (6 * p).round(12)
    array([1., 5.])
    """

    def tail(k: Floats, marked: Floats, drawn: Floats) -> Floats:
        # The rare side of the mean is summed: sums of the common side may start from zero.
        common = k <= marked * drawn / n_all
        log_p = _log_hypergeometric_tail(
            np.where(common, drawn - k + 1, k),
            float(n_all),
            np.where(common, n_all - marked, marked),
            drawn,
        )
        log_p = np.where(common, np.log1p(-np.exp(np.where(common, log_p, -np.inf))), log_p)
        return np.where((drawn == 0) | (marked == 0), np.nan, log_p)

    return _once_per_triple(tail, hits, n_marked, n_drawn)


def _once_per_triple(
    function: Callable[[Floats, Floats, Floats], Floats], *arguments: ArrayLike
) -> Floats:
    """Evaluate a slow function of three arguments once per distinct triple."""
    arrays = np.broadcast_arrays(*[np.asarray(value, dtype=float) for value in arguments])
    known = ~np.isnan(arrays).any(axis=0)
    columns = [array[known] for array in arrays]
    key = np.zeros(int(known.sum()), dtype=np.int64)
    for column in columns:
        values, code = np.unique(column, return_inverse=True)
        key = key * len(values) + code
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    result = np.full(arrays[0].shape, np.nan)
    result[known] = function(*(column[first] for column in columns))[inverse]
    return result


def _log_hypergeometric_tail(k: Floats, n_all: float, marked: Floats, drawn: Floats) -> Floats:
    """Logarithm of the probability of at least k."""
    start = np.maximum(k, np.maximum(0.0, marked + drawn - n_all))
    last = np.minimum(marked, drawn)
    log_first = (
        _log_choose(marked, start)
        + _log_choose(n_all - marked, drawn - start)
        - _log_choose(np.full_like(drawn, n_all), drawn)
    )

    def step(x: Floats) -> Floats:
        return (marked - x) * (drawn - x) / ((x + 1) * (n_all - marked - drawn + x + 1))

    return _log_tail(log_first, start, last, step)


def _log_tail(
    log_first: Floats, start: Floats, last: Floats, step: Callable[[Floats], Floats]
) -> Floats:
    """Logarithm of a sum of falling terms from ``start`` to ``last``, until they vanish.

    ``step(x)`` is the ratio of the term after x to that of x; -inf where start exceeds last.
    """
    term = np.where(start > last, 0.0, 1.0)
    total, x = np.ones_like(term), start
    while (growing := (x < last) & (term > 1e-17 * total)).any():
        term, x = np.where(growing, term * step(x), 0.0), x + 1
        total += term
    return np.where(start > last, -np.inf, log_first + np.log(total))


def _log_choose(n: Floats, k: Floats) -> Floats:
    """Logarithm of the binomial coefficient; values outside 0 <= k <= n are not used."""
    k = np.clip(k, 0, n)
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)


def _log_binomial_two_sided(k: Floats, n: Floats, probability: Floats) -> Floats:
    """Two-sided p of distinct triples in logarithms: both tails from the mode outwards."""
    mean = n * probability
    below = k < mean
    # As in scipy.stats.binomtest: outcomes count as equally likely up to this rounding.
    likely = _log_binomial(k, n, probability) + np.log1p(1e-7)
    opposite = _opposite_outcome(likely, n, probability, below)
    # The lower tail is the upper one of the failures.
    lower = _log_binomial_tail(n - np.where(below, k, opposite), n, 1 - probability)
    upper = _log_binomial_tail(np.where(below, opposite, k), n, probability)
    log_p = np.where(k == mean, 0.0, np.minimum(0.0, np.logaddexp(lower, upper)))
    return np.where(n > 0, log_p, np.nan)


def _log_binomial(k: Floats, n: Floats, probability: Floats) -> Floats:
    """Logarithm of the probability of k; -inf outside 0 <= k <= n."""
    inside = (k >= 0) & (k <= n)
    log_p = (
        _log_choose(n, k)
        + special.xlogy(np.where(inside, k, 0), probability)
        + special.xlog1py(np.where(inside, n - k, 0), -probability)
    )
    return np.where(inside, log_p, -np.inf)


def _log_binomial_tail(k: Floats, n: Floats, probability: Floats) -> Floats:
    """Logarithm of the probability of at least k, for k at or above the mean."""
    odds = probability / np.where(probability < 1, 1 - probability, np.nan)
    return _log_tail(_log_binomial(k, n, probability), k, n, lambda x: (n - x) / (x + 1) * odds)


def _opposite_outcome(likely: Floats, n: Floats, probability: Floats, below: NDArray) -> Floats:
    """Nearest outcome on the other side of the mean that is at most as likely, by bisection.

    Steps run outwards from the mean; the last (outcome n + 1 or -1) has probability zero.
    """
    start = np.where(below, np.ceil(n * probability), np.floor(n * probability))
    direction = np.where(below, 1.0, -1.0)
    low, high = np.zeros_like(start), np.where(below, n + 1 - start, start + 1)
    while (low < high).any():
        middle = np.floor((low + high) / 2)
        rare = _log_binomial(start + direction * middle, n, probability) <= likely
        low, high = np.where(rare, low, middle + 1), np.where(rare, middle, high)
    return start + direction * low
