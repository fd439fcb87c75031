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
from featurelens.stats import Moments, ratio

Floats = NDArray[np.float64]


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
    """Base-10 logarithm of the two-sided p of a standard normal."""
    return (np.log(2) + special.log_ndtr(-np.abs(np.asarray(z, dtype=float)))) / np.log(10)


def dispersion_of(size: ArrayLike, convention: Convention) -> Floats:
    """Alpha of a decoder's size r: 1 / r, or r itself as published."""
    size = np.asarray(size, dtype=float)
    return size if convention == "published" else 1 / size


def moment_dispersion(first: Moments, second: Moments) -> Floats:
    """Alpha from two groups by moments: excess of the variance over the mean, at least zero.

    Both groups share it: sum (n - 1) (v - m) / sum (n - 1) m^2.
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


def fit(
    counts: NDArray,
    design: NDArray,
    alpha: ArrayLike,
    *,
    column: int,
    n_iterations: int = 100,
    tolerance: float = 1e-13,
) -> WaldTest:
    """Iteratively reweighted least squares, all genes in step.

    Parameters
    ----------
    counts
        (n_cells, n_genes), not negative.
    design
        (n_cells, n_coefficients), the same for all genes, with an intercept.
    alpha
        (n_genes,) or one number.
    column
        Coefficient that is tested.
    n_iterations, tolerance
        Most steps; a gene is done when its deviance moves by less than the tolerance, relative to
        itself. NaN where it does not get there, or all counts are zero.
    """
    y = np.asarray(counts, dtype=float)
    alpha = np.broadcast_to(np.asarray(alpha, dtype=float), y.shape[1:])
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)  # positions of cells run to thousands
    x = design / scale
    mean = (y + y.mean(axis=0)) / 2
    mean = np.where(mean > 0, mean, 1.0)
    deviance = np.full(y.shape[1], np.inf)
    done = np.zeros(y.shape[1], dtype=bool)
    usable = y.sum(axis=0) > 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(n_iterations):
            weight = mean / (1 + alpha * mean)
            target = np.log(mean) + (y - mean) / mean
            information = np.einsum("ci,cg,cj->gij", x, weight, x, optimize=True)
            moment = np.einsum("ci,cg->gi", x, weight * target, optimize=True)
            coefficients = np.linalg.solve(information, moment[:, :, None])[:, :, 0]
            mean = np.exp(x @ coefficients.T)
            previous, deviance = deviance, _deviance(y, mean, alpha)
            done = np.abs(deviance - previous) <= tolerance * np.abs(deviance) + 1e-13
            if done[usable].all():
                break
    weight = mean / (1 + alpha * mean)
    information = np.einsum("ci,cg,cj->gij", x, weight, x, optimize=True)
    variance = np.linalg.inv(information)[:, column, column]
    known = done & usable
    return _wald(
        np.where(known, coefficients[:, column], np.nan) / scale[column],
        np.where(known, np.sqrt(variance), np.nan) / scale[column],
    )


def _deviance(y: Floats, mean: Floats, alpha: Floats) -> Floats:
    """Twice the log-likelihood lost against a perfect fit, summed over cells."""
    gained = special.xlogy(y, y / mean) - (y + 1 / alpha) * np.log(
        (1 + alpha * y) / (1 + alpha * mean)
    )
    return 2 * gained.sum(axis=0)


def _wald(coefficient: Floats, error: Floats) -> WaldTest:
    z = ratio(coefficient, error)
    return WaldTest(coefficient, error, z, np.asarray(2 * special.ndtr(-np.abs(z))))
