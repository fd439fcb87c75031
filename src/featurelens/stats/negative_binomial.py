"""Negative binomial regression with a log link and a given dispersion, for all genes at once.

Counts have mean m and variance m + alpha m^2. Where the author's decoder gives a size r, variance
m + m^2 / r, alpha is 1 / r; his scripts give r itself (``supp_19_sc.py``), which overstates the
variance of every gene with r above one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from featurelens.conventions import Convention
from featurelens.stats.arrays import Floats
from featurelens.stats.multiple import bh
from featurelens.stats.welch import Moments, ratio

PAIR_COLUMNS = ("glm_log2_fold", "glm_p", "glm_q")
"""What :func:`published_pairs` gives."""
_GENES = 256
"""Genes fitted at once; bounds memory, changes no result."""
_ITERATIONS = 100
_REST = 1e-10
"""Largest last step of a coefficient, relative to one more than itself."""


@dataclass(frozen=True)
class WaldTest:
    """A coefficient on the scale of natural logarithms, its standard error, z and two-sided p."""

    coefficient: Floats
    error: Floats
    z: Floats
    p: Floats

    @property
    def log10_p(self) -> Floats:
        """Base-10 logarithm of p, finite also where p underflows to zero."""
        return log10_normal_p(self.z)


def log10_normal_p(z: ArrayLike) -> Floats:
    """Base-10 logarithm of the two-sided p of a standard normal.

    Examples
    --------
    >>> log10_normal_p([0, 1.959964]).round(4)  # p of 1 and of 0.05
    array([ 0.   , -1.301])
    """
    return (np.log(2) + special.log_ndtr(-np.abs(np.asarray(z, dtype=float)))) / np.log(10)


def dispersion_of(size: ArrayLike, convention: Convention) -> Floats:
    """Alpha of a decoder's size r: 1 / r, or r itself as published.

    Examples
    --------
    >>> [float(dispersion_of(4, convention)) for convention in ("corrected", "published")]
    [0.25, 4.0]
    """
    size = np.asarray(size, dtype=float)
    return size if convention == "published" else 1 / size


def moment_dispersion(first: Moments, second: Moments) -> Floats:
    """Alpha from two groups by moments: excess of the variance over the mean, at least zero.

    Both groups share it: sum (n - 1) (v - m) / sum (n - 1) m^2.

    Examples
    --------
    Means 2, variances 4 and 8, three observations each: (2 · 2 + 2 · 6) / (2 · 4 + 2 · 4).

    >>> groups = (Moments(*map(np.array, group)) for group in ((3, 2.0, 4.0), (3, 2.0, 8.0)))
    >>> float(moment_dispersion(*groups))
    1.0
    """
    excess = (first.n - 1) * (first.variance - first.mean)
    excess = excess + (second.n - 1) * (second.variance - second.mean)
    square = (first.n - 1) * first.mean**2 + (second.n - 1) * second.mean**2
    return np.maximum(ratio(excess, square), 0.0)


def compare_groups(first: Moments, second: Moments, alpha: ArrayLike) -> WaldTest:
    """Wald test of the logarithm of the ratio of two means, first over second.

    For an intercept and one group the fit is the groups' means, whatever alpha, and the error by
    the expected information is the root of the sum over groups of (1 + alpha m) / (n m). NaN
    where a mean is zero.

    Examples
    --------
    Poisson, four observations with mean 2 and four with mean 1: log 2, and sqrt(1/8 + 1/4).

    >>> groups = (Moments(*map(np.array, group)) for group in ((4, 2.0, 2.0), (4, 1.0, 1.0)))
    >>> test = compare_groups(*groups, alpha=0)
    >>> round(float(test.coefficient), 4), round(float(test.error), 4)
    (0.6931, 0.6124)
    """
    alpha = np.asarray(alpha, dtype=float)
    positive = (first.mean > 0) & (second.mean > 0)
    a, b = (np.where(positive, group.mean, np.nan) for group in (first, second))
    error = np.sqrt((1 + alpha * a) / (first.n * a) + (1 + alpha * b) / (second.n * b))
    return _wald(np.log(a / b), error)


def compare_pairs(control: NDArray, changed: NDArray, alpha: ArrayLike) -> WaldTest:
    """The author's test of the same cells before and after: their number is a covariate.

    Published (``DEG_analysis_paired``): the design is an intercept, the position of the cell from
    0, as one number with a linear effect, and the condition, whose coefficient is tested.

    Parameters
    ----------
    control, changed
        (n_cells, n_genes), the same cells in the same order.
    """
    n_cells = len(control)
    number = np.tile(np.arange(n_cells, dtype=float), 2)
    condition = np.repeat([0.0, 1.0], n_cells)
    design = np.column_stack([np.ones(2 * n_cells), number, condition])
    return fit(np.concatenate([control, changed]), design, alpha, column=2)


def published_pairs(control: NDArray, changed: NDArray, size: NDArray | None) -> dict[str, Floats]:
    """:func:`compare_pairs` with the decoder's size as alpha, as published.

    Returns
    -------
    dict
        glm_log2_fold, glm_p and glm_q (Benjamini-Hochberg), (n_genes,); NaN without a size.
    """
    if size is None:
        return dict.fromkeys(PAIR_COLUMNS, np.full(control.shape[1], np.nan))
    test = compare_pairs(control, changed, dispersion_of(size, "published"))
    columns = (test.coefficient / np.log(2), test.p, bh(test.p))
    return dict(zip(PAIR_COLUMNS, columns, strict=True))


def fit(counts: NDArray, design: NDArray, alpha: ArrayLike, *, column: int) -> WaldTest:
    """Iteratively reweighted least squares, some genes in step.

    Parameters
    ----------
    counts
        (n_cells, n_genes), not negative.
    design
        (n_cells, n_coefficients), the same for all genes, with an intercept.
    alpha
        (n_genes,) or one number, not negative.
    column
        Coefficient that is tested.

    Returns
    -------
    WaldTest
        Arrays (n_genes,), errors by the expected information. NaN where the steps do not come to
        rest, or all counts are zero.
    """
    alpha = np.broadcast_to(np.asarray(alpha, dtype=float), counts.shape[1:])
    largest = np.abs(design).max(axis=0)  # positions of cells run to thousands
    x = design / np.where(largest > 0, largest, 1.0)
    parts = [
        _fit(counts[:, genes].astype(np.float64), x, alpha[genes], column)
        for genes in (slice(i, i + _GENES) for i in range(0, counts.shape[1], _GENES))
    ]
    coefficient, error = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0))
    return _wald(coefficient / largest[column], error / largest[column])


def _fit(y: Floats, x: Floats, alpha: Floats, column: int) -> tuple[Floats, Floats]:
    """Coefficient of one column and its error, NaN where the steps do not come to rest."""
    n_genes, k = y.shape[1], x.shape[1]
    squares = (x[:, :, None] * x[:, None, :]).reshape(len(x), k * k)
    mean = np.maximum((y + y.mean(axis=0)) / 2, 1e-300)
    beta, moved = np.zeros((n_genes, k)), np.ones((n_genes, 1), dtype=bool)
    usable = y.sum(axis=0) > 0
    y = np.where(usable, y, 1.0)  # what comes of it is set to NaN
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(_ITERATIONS):
            weight = mean / (1 + alpha * mean)
            information = (squares.T @ weight).T.reshape(n_genes, k, k)
            moment = (x.T @ (weight * (np.log(mean) + y / mean - 1))).T
            previous, beta = beta, np.linalg.solve(information, moment[:, :, None])[:, :, 0]
            mean = np.maximum(np.exp(x @ beta.T), 1e-300)
            moved = np.abs(beta - previous) > _REST * (1 + np.abs(beta))
            if not moved[usable].any():
                break
    weight = mean / (1 + alpha * mean)
    variance = np.linalg.inv((squares.T @ weight).T.reshape(n_genes, k, k))[:, column, column]
    known = usable & ~moved.any(axis=1)
    return np.where(known, beta[:, column], np.nan), np.sqrt(np.where(known, variance, np.nan))


def _wald(coefficient: Floats, error: Floats) -> WaldTest:
    z = ratio(coefficient, error)
    return WaldTest(coefficient, error, z, np.asarray(2 * special.ndtr(-np.abs(z))))
