"""The least fold change of chosen genes, against intervals made with scipy."""

import numpy as np
import pytest
from scipy import stats

from featurelens.stats.fold_bounds import least_log2_fold
from featurelens.stats.multiple import bh

ALPHA = 0.05


def bounds(log2_fold, t, df, n_chosen=1, n_tests=1):
    values = [np.atleast_1d(np.asarray(value, float)) for value in (log2_fold, t, df)]
    return least_log2_fold(
        *values,
        n_chosen=np.full(values[0].shape, n_chosen),
        n_tests=np.full(values[0].shape, n_tests),
        alpha=ALPHA,
    )


def test_it_is_the_near_end_of_scipys_interval():
    """Two samples; the interval of their difference at 95 %, with the second mean as it is."""
    rng = np.random.default_rng(0)
    high, low = rng.normal(9, 2, 12), rng.normal(4, 1, 30)
    test = stats.ttest_ind(high, low, equal_var=False)
    nearest = test.confidence_interval(1 - ALPHA).low
    expected = np.log2((low.mean() + nearest) / low.mean())
    found = bounds(np.log2(high.mean() / low.mean()), test.statistic, test.df)
    assert found == pytest.approx(expected)


def test_a_change_downwards_has_its_upper_end():
    rng = np.random.default_rng(1)
    high, low = rng.normal(4, 1, 12), rng.normal(9, 2, 30)
    test = stats.ttest_ind(high, low, equal_var=False)
    nearest = test.confidence_interval(1 - ALPHA).high
    expected = np.log2((low.mean() + nearest) / low.mean())
    found = bounds(np.log2(high.mean() / low.mean()), test.statistic, test.df)
    assert found == pytest.approx(expected)
    assert expected < 0


def test_just_what_is_declared_is_above_zero():
    """Intervals of Benjamini and Yekutieli hold 0 where Benjamini and Hochberg declare nothing."""
    rng = np.random.default_rng(2)
    t = rng.normal(0, 1, 500) + np.repeat([4, 0], [60, 440])
    p = 2 * stats.t.sf(np.abs(t), 40)
    declared = bh(p) <= ALPHA
    assert 20 < declared.sum() < 100
    found = bounds(np.sign(t), t, np.full(500, 40), declared.sum(), 500)
    assert ((found != 0) == declared).all()


def test_what_is_missing_or_without_a_low_mean():
    assert bounds(np.nan, 3, 10) == 0
    assert bounds(1, np.nan, np.nan) == 0
    assert bounds(np.inf, 9, 10) == np.inf  # a low mean of 0
    assert bounds(np.inf, 1, 10) == 0
    assert bounds(-np.inf, -9, 10) == pytest.approx(np.log2(stats.t.ppf(0.975, 10) / 9))
