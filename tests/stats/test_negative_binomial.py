"""Negative binomial regression against statsmodels."""

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm

from featurelens.stats import negative_binomial as nb
from featurelens.stats.welch import Moments


def statsmodels_wald(y, design, alpha, column):
    """Coefficient, error and p of one gene."""
    family = sm.families.NegativeBinomial(alpha=alpha)
    result = sm.GLM(y, design, family=family).fit(tol=1e-12, maxiter=200)
    return result.params[column], result.bse[column], result.pvalues[column]


@pytest.fixture(scope="module")
def counts():
    """Counts of two groups, (40 + 90, 8), their genes' alphas, and who is in the first."""
    rng = np.random.default_rng(2)
    alpha = rng.uniform(0.05, 3, size=8)
    first = np.repeat([True, False], [40, 90])
    mean = rng.uniform(0.5, 20, size=8) * np.where(first[:, None], rng.uniform(0.3, 3, size=8), 1)
    return rng.negative_binomial(1 / alpha, 1 / (1 + alpha * mean)).astype(float), alpha, first


def moments(y):
    return Moments(n=np.array(float(len(y))), mean=y.mean(axis=0), variance=y.var(axis=0, ddof=1))


def test_two_groups_equal_statsmodels(counts):
    y, alpha, first = counts
    test = nb.compare_groups(moments(y[first]), moments(y[~first]), alpha)
    design = np.column_stack([np.ones(130), first])
    for gene in range(8):
        expected = statsmodels_wald(y[:, gene], design, alpha[gene], 1)
        found = [getattr(test, name)[gene] for name in ("coefficient", "error", "p")]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    fitted = nb.fit(y, design, alpha, column=1)
    np.testing.assert_allclose(fitted.coefficient, test.coefficient, rtol=1e-9)
    np.testing.assert_allclose(fitted.error, test.error, rtol=1e-6)
    np.testing.assert_allclose(test.log10_p, np.log10(test.p), rtol=1e-9)


def test_pairs_as_published_equal_statsmodels(counts):
    # Expression before and after, the number of the cell as one covariate, alpha = r.
    y, size, _ = counts
    control, changed = y[:60] + 0.1, 1.7 * y[60:120] + 0.1
    alpha = nb.dispersion_of(size, "published")
    np.testing.assert_array_equal(alpha, size)
    test = nb.compare_pairs(control, changed, alpha)
    design = np.column_stack(
        [np.ones(120), np.r_[np.arange(60), np.arange(60)], np.repeat([0, 1], 60)]
    )
    for gene in range(8):
        both = np.r_[control[:, gene], changed[:, gene]]
        expected = statsmodels_wald(both, design, alpha[gene], 2)
        found = [getattr(test, name)[gene] for name in ("coefficient", "error", "p")]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_right_dispersion_rejects_nulls_as_often_as_it_says():
    # r = 4: alpha = 1/4 is calibrated; alpha = 4, as published, hardly ever rejects.
    rng = np.random.default_rng(0)
    y = rng.negative_binomial(4, 4 / (4 + 10), size=(300, 4000)).astype(float)
    groups = moments(y[:100]), moments(y[100:])
    rates = {
        convention: (nb.compare_groups(*groups, nb.dispersion_of(4.0, convention)).p < 0.05).mean()
        for convention in ("corrected", "published")
    }
    assert 0.04 < rates["corrected"] < 0.06
    assert rates["published"] < 0.001
    np.testing.assert_allclose(np.median(nb.moment_dispersion(*groups)), 0.25, atol=0.01)


def test_what_cannot_be_computed_is_nan():
    zero = Moments(n=np.array(5.0), mean=np.array([0.0, 2.0]), variance=np.array([0.0, 1.0]))
    other = Moments(n=np.array(5.0), mean=np.array([3.0, 2.0]), variance=np.array([1.0, 1.0]))
    np.testing.assert_array_equal(np.isnan(nb.compare_groups(zero, other, 0.5).p), [True, False])
    y = np.zeros((6, 2))
    y[:, 1] = [1, 2, 3, 4, 5, 6]
    design = np.column_stack([np.ones(6), np.repeat([0, 1], 3)])
    np.testing.assert_array_equal(np.isnan(nb.fit(y, design, 0.5, column=1).p), [True, False])


def test_logarithm_of_a_p_that_underflows():
    # Mills' ratio: p of z = 60 is 2 phi(60) / 60 (1 - 1/60^2 + 3/60^4 - ...).
    series = np.log1p(-1 / 60**2 + 3 / 60**4)
    logarithm = np.log(2) + scipy.stats.norm.logpdf(60) - np.log(60) + series
    np.testing.assert_allclose(nb.log10_normal_p(-60.0), logarithm / np.log(10), rtol=1e-9)
