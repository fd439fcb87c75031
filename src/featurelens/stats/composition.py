"""Composition: how much a gene that takes a cell's counts makes all others seem to fall.

Expression is given as shares of a library, so that what one gene takes all others lose (closure:
Aitchison 1986). Two groups are compared after the first is multiplied by the one factor that
leaves the typical gene unchanged: a weighted median of ratios, as of Anders & Huber 2010, in which
no gene decides.
"""

import numpy as np

from featurelens.stats.arrays import Floats
from featurelens.threads import in_threads

FEWEST_GENES = 10
"""Of fewer expressed genes no typical one is known, and the factor is 1."""
_ROWS = 16
"""Rows worked on at once: as many as a cache holds."""
LARGEST_WEIGHT = 0.01
"""Share of expression beyond which a gene gains no more weight, however loud it is."""


def closure_factors(first: Floats, second: Floats, *, threads: int = 1) -> Floats:
    """What rows of the first group are multiplied by, so that the typical gene is as in the second.

    The typical ratio is the median of second over first, where a gene weighs its mean share of
    both groups, at most :data:`LARGEST_WEIGHT` or, of fewer than 100 genes, an equal part.

    Parameters
    ----------
    first, second
        (n_rows, n_genes) mean expression, not negative, in any unit.
    threads
        Rows worked on at once; changes no result.

    Returns
    -------
    ndarray
        (n_rows, 1); 1 where fewer than :data:`FEWEST_GENES` genes are expressed, where the typical
        gene is silent in either group, or where a value is missing.

    Examples
    --------
    Eleven genes at 1; one of them rises to 9 and all shares fall from 1/11 to 1/19:

    >>> before, after = np.ones((1, 11)) / 11, np.ones((1, 11)) / 19
    >>> after[0, 0] = 9 / 19
    >>> round(float(closure_factors(after, before)[0, 0]) * 11 / 19, 12)
    1.0
    """
    factors = np.ones((len(first), 1))

    def fill(start: int) -> None:
        rows = slice(start, start + _ROWS)
        factors[rows, 0] = _factors(first[rows], second[rows])

    for _ in in_threads(fill, range(0, len(first), _ROWS), threads):
        pass
    return factors


def _factors(first: Floats, second: Floats) -> Floats:
    weight = np.nan_to_num((_shares(first) + _shares(second)) / 2)
    np.minimum(weight, max(LARGEST_WEIGHT, 1 / max(weight.shape[1], 1)), out=weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.where(weight > 0, second / first, np.inf)
    factor = _weighted_median(quotient, weight)
    known = ((weight > 0).sum(axis=1) >= FEWEST_GENES) & np.isfinite(factor) & (factor > 0)
    return np.where(known, factor, 1.0)


def _shares(group: Floats) -> Floats:
    return group / np.maximum(group.sum(axis=1, keepdims=True), np.finfo(float).tiny)


def _weighted_median(values: Floats, weight: Floats) -> Floats:
    """The value at which half of a row's weight is reached, (n_rows,).

    A part in 1e9 short of half is half: equal weights reach it exactly, and the order in which
    equal values are added must not decide.
    """
    order = np.argsort(values, axis=1)
    reached = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    place = (reached < reached[:, -1:] / 2 * (1 - 1e-9)).sum(axis=1, keepdims=True)
    middle = np.take_along_axis(order, place, axis=1)
    return np.take_along_axis(values, middle, axis=1)[:, 0]
