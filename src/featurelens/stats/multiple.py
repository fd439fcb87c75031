"""Many tests at once: Benjamini-Hochberg, and Simes' p of a family."""

import numpy as np
from numpy.typing import ArrayLike

from featurelens.stats.arrays import Floats


def bh(p: ArrayLike, axis: int = -1) -> Floats:
    """Benjamini-Hochberg adjusted p along an axis; NaN stays NaN and does not count.

    Examples
    --------
    >>> bh([0.01, 0.04, 0.03, np.nan])  # steps 0.03, 0.045, 0.04; none above a later one
    array([0.03, 0.04, 0.04,  nan])
    """
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

    Examples
    --------
    >>> float(simes([0.3, 0.02, 0.5]))  # the least of 0.02 · 3 / 1, 0.3 · 3 / 2, 0.5 · 3 / 3
    0.06
    """
    return smallest(bh(p, axis=axis), axis=axis)


def smallest(adjusted: Floats, axis: int = -1) -> Floats:
    """Smallest adjusted p of a family along an axis: Simes' p; NaN where none exists.

    Examples
    --------
    >>> float(smallest(bh([0.3, 0.02, 0.5])))
    0.06
    """
    missing = np.isnan(adjusted).all(axis=axis)
    lowest = np.min(np.where(np.isnan(adjusted), np.inf, adjusted), axis=axis)
    return np.where(missing, np.nan, lowest)
