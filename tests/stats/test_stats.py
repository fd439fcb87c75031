"""Every statistic against scipy, statsmodels or a pencil."""

import itertools

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from featurelens.stats import counts
from featurelens.stats.multiple import bh, simes
from featurelens.stats.negative_binomial import log10_normal_p
from featurelens.stats.ranks import rank_rows, rank_sum, rank_sum_published
from featurelens.stats.welch import Moments, log_t_p, t_two_sided, welch

RELATIVE = 1e-9


def binomial_two_sided(*arguments):
    return np.exp(counts.log_binomial_two_sided(*arguments))


def hypergeometric(*arguments):
    return np.exp(counts.log_hypergeometric(*arguments))


def moments_of(values):
    """Size, mean and variance of samples along the last axis."""
    n = np.asarray(float(values.shape[-1]))
    if n < 2:
        return Moments(n, values.mean(axis=-1), np.full(values.shape[:-1], np.nan))
    return Moments(n, values.mean(axis=-1), values.var(axis=-1, ddof=1))


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# --- Welch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n1", "n2"), [(2, 2), (5, 400), (35, 300)])
def test_welch_equals_scipy(rng, n1, n2):
    first, second = rng.normal(1.0, 3.0, size=(20, n1)), rng.gamma(2.0, size=(20, n2))
    expected = scipy.stats.ttest_ind(first, second, axis=1, equal_var=False)
    result = welch(moments_of(first), moments_of(second))
    np.testing.assert_allclose(result.t, expected.statistic, rtol=RELATIVE)
    np.testing.assert_allclose(result.df, expected.df, rtol=RELATIVE)
    np.testing.assert_allclose(result.p, expected.pvalue, rtol=RELATIVE)


def test_welch_from_moments_equals_scipy():
    expected = scipy.stats.ttest_ind_from_stats(5.0, 1.5, 30, 4.2, 0.5, 12, equal_var=False)
    result = welch(
        Moments(*map(np.array, (30.0, 5.0, 2.25))),
        Moments(*map(np.array, (12.0, 4.2, 0.25))),
    )
    np.testing.assert_allclose(result.p, expected.pvalue, rtol=RELATIVE)


def test_welch_is_nan_where_nothing_varies_or_a_group_is_too_small():
    varying, constant = moments_of(np.array([0.0, 1.0, 3.0])), moments_of(np.array([2.0, 2.0]))
    single = moments_of(np.array([2.0]))
    assert np.isnan(welch(constant, constant).p)
    assert np.isnan(welch(varying, single).t)
    assert np.isfinite(welch(varying, constant).p)


def test_log_t_p_is_the_logarithm_of_p_and_goes_on_where_p_underflows():
    t, df = np.array([0.0, 1.0, 20.0, 60.0]), np.array([3.0, 3.0, 50.0, 500.0])
    expected = scipy.stats.t.logsf(t, df) + np.log(2)
    np.testing.assert_allclose(log_t_p(t, df), expected, rtol=RELATIVE, atol=1e-12)
    # I_x(df/2, 1/2) with 60 digits (mpmath.betainc): p is exp(-1508.6), far below 1e-308.
    assert t_two_sided(-300.0, 600.0) == 0
    np.testing.assert_allclose(log_t_p(-300.0, 600.0), -1508.60531269373629, rtol=RELATIVE)
    assert np.isnan(log_t_p(np.nan, 5.0))


@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.01, 1e-5]))
@settings(derandomize=True, max_examples=30, deadline=None)
def test_p_that_need_not_be_known_are_large_indeed(seed, below):
    rng = np.random.default_rng(seed)
    t, df = rng.normal(0, 3, size=200), rng.uniform(0.5, 300, size=200)
    t[:3], df[1:4] = np.nan, np.nan
    exact, p = t_two_sided(t, df), t_two_sided(t, df, below=below)
    known = p != 1
    np.testing.assert_array_equal(p[known], exact[known])
    assert (exact[~known] > below).all()
    assert 0 < known.sum() < len(t)


# --- rank sums -----------------------------------------------------------------------------------


def test_ranks_equal_scipy_and_leave_nan_out(rng):
    values = rng.integers(0, 6, size=(5, 30)).astype(float)
    values[2, 4] = np.nan
    ranks, ties = rank_rows(values)
    for row, rank, tie in zip(values, ranks, ties, strict=True):
        known = ~np.isnan(row)
        np.testing.assert_equal(rank[known], scipy.stats.rankdata(row[known]))
        assert np.isnan(rank[~known]).all()
        n = known.sum()
        np.testing.assert_allclose(1 - tie / (n**3 - n), scipy.stats.tiecorrect(rank[known]))


@pytest.mark.parametrize("decimals", [0, 12])
@pytest.mark.parametrize(("n_in", "n_out"), [(1, 9), (3, 290), (8, 9), (8, 60), (9, 30), (40, 90)])
def test_rank_sum_equals_scipy(rng, decimals, n_in, n_out):
    for shift in (0.0, 1.5, -3.0):
        values = np.round(rng.normal(size=n_in + n_out) * 2, decimals)
        values[:n_in] += shift
        expected = scipy.stats.mannwhitneyu(
            values[:n_in], values[n_in:], method="exact" if decimals and n_in <= 8 else "asymptotic"
        )
        ranks, ties = rank_rows(values[None])
        result = rank_sum(ranks[0, :n_in].sum(), n_in, n_in + n_out, ties)
        assert result.u == expected.statistic
        np.testing.assert_allclose(result.p, expected.pvalue, rtol=RELATIVE)
        np.testing.assert_allclose(result.effect, expected.statistic / (n_in * n_out))


def test_exact_rank_sum_by_pencil():
    # One of four: each place is equally likely, so the highest has p = 2/4.
    # Two of five: the top two are one of C(5, 2) = 10 pairs, p = 2/10.
    np.testing.assert_allclose(rank_sum(4, 1, 4, 0).p, 0.5, rtol=1e-15)
    np.testing.assert_allclose(rank_sum(9, 2, 5, 0).p, 0.2, rtol=1e-15)


def test_rank_sum_of_an_empty_group_or_of_equal_values_is_nan():
    assert np.isnan(rank_sum(0.0, 0, 10, 0.0).p)
    ranks, ties = rank_rows(np.ones((1, 6)))
    assert np.isnan(rank_sum(ranks[0, :2].sum(), 2, 6, ties).p)


def test_published_rank_sum_by_pencil():
    # Ranks 5, 6 of 6: U counts pairs in which the first group is lower: 0 of 2 x 4.
    # z = (0 - 4) / sqrt(2 x 4 x 7 / 12) = -1.8516; p = Phi(z) = .0320.
    high = rank_sum_published(11, 2, 6)
    low = rank_sum_published(3, 2, 6)
    np.testing.assert_allclose(high.z, -4 / np.sqrt(56 / 12))
    assert (high.effect, low.effect) == (0.0, 1.0)
    assert high.p == low.p  # it does not tell up from down
    np.testing.assert_allclose(high.p, scipy.stats.norm.cdf(-1.8516402))


def test_published_rank_sum_rejects_one_null_in_ten(rng):
    # The half p rejects .0995 of nulls at a nominal .05; 20,000 draws have an error of .002.
    ranks = rng.permuted(np.tile(np.arange(1.0, 201), (20_000, 1)), axis=1)[:, :20]
    published = rank_sum_published(ranks.sum(axis=1), 20, 200).p
    assert (published < 0.05).mean() == pytest.approx(0.10, abs=0.008)
    assert published.max() <= 0.5
    corrected = rank_sum(ranks.sum(axis=1), 20, 200, 0.0).p
    assert (corrected < 0.05).mean() == pytest.approx(0.05, abs=0.006)


# --- counts --------------------------------------------------------------------------------------


def test_binomial_equals_scipy(rng):
    n = rng.integers(1, 300, size=400)
    k = np.minimum(rng.binomial(n, 0.1) * rng.integers(0, 4, size=400), n)
    probability = rng.choice([0.5, 1 / 3, 0.02, 0.1, 0.004], size=400)
    expected = [
        scipy.stats.binomtest(int(a), int(b), c).pvalue
        for a, b, c in zip(k, n, probability, strict=True)
    ]
    np.testing.assert_allclose(
        binomial_two_sided(k, n, probability), expected, rtol=RELATIVE, atol=0
    )


@settings(derandomize=True, max_examples=60, deadline=None)
@given(n=st.integers(1, 40), share=st.sampled_from([0.5, 0.25, 0.1, 0.75, 0.04]))
def test_binomial_equals_scipy_for_every_outcome(n, share):
    expected = [scipy.stats.binomtest(k, n, share).pvalue for k in range(n + 1)]
    result = binomial_two_sided(np.arange(n + 1), n, share)
    np.testing.assert_allclose(result, expected, rtol=RELATIVE)


def test_binomial_without_trials_is_nan_and_shape_is_kept():
    result = binomial_two_sided([[0, 1], [2, 0]], [[0, 4], [4, 4]], 0.5)
    # 1 of 4: (1 + 4) / 16 twice = .625; 2 of 4 is the mean: 1; 0 of 4: 1/16 twice = .125.
    np.testing.assert_allclose(result, [[np.nan, 0.625], [1.0, 0.125]])


@pytest.mark.parametrize("n_all", [60, 765, 13_431])
def test_hypergeometric_equals_scipy(rng, n_all):
    marked = rng.integers(1, min(n_all, 500), 500)
    drawn = rng.integers(1, min(n_all, 900), 500)
    hits = rng.integers(0, np.minimum(np.minimum(marked, drawn) + 2, 60))
    expected = scipy.stats.hypergeom.sf(hits - 1, n_all, marked, drawn)
    result = hypergeometric(hits, n_all, marked, drawn)
    np.testing.assert_allclose(result, expected, rtol=RELATIVE, atol=1e-300)


def test_hypergeometric_by_pencil():
    # All 3 marked among 4 drawn of 10: C(7, 1) / C(10, 4) = 7 / 210. None drawn: no test.
    result = hypergeometric([3, 0, 0], 10, 3, [4, 4, 0])
    np.testing.assert_allclose(result, [7 / 210, 1.0, np.nan])


def test_hypergeometric_tail_starts_where_single_outcomes_underflow():
    # The chance of exactly 1 of 4,000 marked in 9,000 of 10,000 is zero in float64.
    assert hypergeometric(1, 10_000, 4000, 9000) == 1.0


def test_logarithms_go_on_where_p_underflows():
    with mpmath.workdps(40):
        # All of 450 drawn are marked in the first, 440 of them in the second.
        choose = mpmath.binomial
        for hits, n_all, marked, drawn in ((450, 13_431, 500, 450), (440, 13_431, 500, 450)):
            total = sum(
                choose(marked, k) * choose(n_all - marked, drawn - k)
                for k in range(hits, min(marked, drawn) + 1)
            )
            expected = float(mpmath.log(total / choose(n_all, drawn)))
            result = counts.log_hypergeometric(hits, n_all, marked, drawn)
            np.testing.assert_allclose(result, expected, rtol=RELATIVE)
            assert np.exp(result) == 0
        # 400 successes of 500 at 1 / 100; no outcome below the mean is as rare.
        share = mpmath.mpf(0.01)
        tail = sum(choose(500, k) * share**k * (1 - share) ** (500 - k) for k in range(400, 501))
        result = counts.log_binomial_two_sided(400, 500, 0.01)
        np.testing.assert_allclose(result, float(mpmath.log(tail)), rtol=RELATIVE)
        assert np.exp(result) == 0
        expected = float(mpmath.log(mpmath.erfc(50 / mpmath.sqrt(2))))
        np.testing.assert_allclose(log10_normal_p([-50, 50]) * np.log(10), expected, rtol=RELATIVE)


def test_log_normal_p_is_twice_the_tail():
    z = np.linspace(-30, 30, 61)
    np.testing.assert_allclose(
        log10_normal_p(z) * np.log(10),
        np.log(2 * scipy.stats.norm.sf(np.abs(z))),
        rtol=RELATIVE,
        atol=1e-12,
    )


# --- multiple testing ----------------------------------------------------------------------------


def test_bh_equals_statsmodels_and_scipy(rng):
    p = rng.random((4, 50)) ** 2
    adjusted = bh(p, axis=1)
    for row, expected in zip(p, adjusted, strict=True):
        np.testing.assert_allclose(multipletests(row, method="fdr_bh")[1], expected, rtol=RELATIVE)
    np.testing.assert_allclose(
        scipy.stats.false_discovery_control(p, axis=1), adjusted, rtol=RELATIVE
    )
    np.testing.assert_array_equal(bh(p.T, axis=0), adjusted.T)


def test_bh_leaves_nan_out_of_the_count():
    p = np.array([0.01, np.nan, 0.04, 0.03, np.nan])
    expected = multipletests([0.01, 0.04, 0.03], method="fdr_bh")[1]
    np.testing.assert_allclose(bh(p), [expected[0], np.nan, expected[1], expected[2], np.nan])


def test_simes_by_pencil():
    # Sorted .01, .02, .9: 3 x .01 / 1 = .03, 3 x .02 / 2 = .03, 3 x .9 / 3 = .9.
    p = [[0.9, 0.01, 0.02], [np.nan, 0.5, 0.4], [np.nan] * 3]
    np.testing.assert_allclose(simes(p, axis=1), [0.03, 0.5, np.nan])


def test_nothing_is_written_to_the_input(rng):
    values = rng.random((3, 8))
    copy = values.copy()
    for call, axis in itertools.product((bh, simes), (0, 1)):
        call(values, axis=axis)
    rank_rows(values)
    np.testing.assert_array_equal(values, copy)
