"""Where statistics change their mind: sizes that differ, sums below one, ends of ranges.

Mutants of the formulas that no other test told from them (tests/mutants.md) fail here.
"""

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm

from featurelens.stats import counts
from featurelens.stats import negative_binomial as nb
from featurelens.stats.multiple import bh, simes
from featurelens.stats.ranks import rank_sum, rank_sum_published
from featurelens.stats.welch import Moments, log_t_p, t_two_sided


def group(n, mean, variance):
    return Moments(*(np.array(value, dtype=float) for value in (n, mean, variance)))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (bh, ([0.01, 0.3],)),
        (t_two_sided, ([1.5, 40.0], [3, 200])),
        (log_t_p, ([1.5, 40.0], [3, 200])),
        (nb.log10_normal_p, ([0.5, 30.0],)),
        (nb.dispersion_of, ([0.5, 3.0], "published")),
    ],
)
def test_single_precision_is_computed_in_double(function, arguments):
    single = [
        value if isinstance(value, str) else np.array(value, dtype=np.float32)
        for value in arguments
    ]
    double = [value if isinstance(value, str) else value.astype(np.float64) for value in single]
    found = function(*single)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, function(*double))


def test_sizes_may_be_narrow_integers():
    # 60,000 of 130,000: their product, and the square, leave 32 bits
    sizes = np.int32(60_000), np.int32(130_000)
    total = 60_000 * 65_000.5 + 1e6
    for found, expected in (
        (rank_sum(total, *sizes, 0), rank_sum(total, 60_000.0, 130_000.0, 0)),
        (rank_sum_published(total, *sizes), rank_sum_published(total, 60_000.0, 130_000.0)),
    ):
        for name in ("u", "effect", "z", "p"):
            assert getattr(found, name) == getattr(expected, name)
    # U = total - n (n + 1) / 2 = 60,000 x 35,000 + 10^6, half of all pairs and a million
    assert rank_sum(total, *sizes, 0).u == 60_000 * 35_000 + 1e6
    assert rank_sum_published(total, *sizes).u == 60_000 * 35_000 - 1e6


def test_adjusted_p_of_integers():
    np.testing.assert_array_equal(bh([1, 0]), [1.0, 0.0])


def test_simes_along_the_other_axis():
    # columns: 2 x 0.02 and 2 x 0.3 / 2; rows would be others
    np.testing.assert_allclose(simes([[0.02, 0.3], [0.9, 0.2]], axis=0), [0.04, 0.3])


# --- rank sums ------------------------------------------------------------------------------------


def test_exact_tests_of_groups_of_many_sizes_at_once_equal_scipy():
    rng = np.random.default_rng(3)
    # equal groups, two with one size in common each way, one too large to be exact
    sizes = [(4, 4), (3, 5), (3, 9), (4, 9), (9, 12), (8, 8)]
    samples = [(rng.normal(size=first), rng.normal(0.8, size=rest)) for first, rest in sizes]
    totals = [scipy.stats.rankdata(np.concatenate(pair))[: len(pair[0])].sum() for pair in samples]
    found = rank_sum(totals, [first for first, _ in sizes], [sum(size) for size in sizes], 0)
    for row, (first, rest) in enumerate(samples):
        expected = scipy.stats.mannwhitneyu(first, rest, method="auto")
        assert found.u[row] == expected.statistic
        assert found.p[row] == pytest.approx(expected.pvalue, rel=1e-12)


def test_z_by_pencil():
    # U 0 of 4: 2 below the middle, half a step nearer, over sqrt(2 x 2 x 5 / 12)
    assert rank_sum(3, 2, 4, 0).z == pytest.approx(-1.5 / np.sqrt(5 / 3))
    assert rank_sum(7, 2, 4, 0).z == pytest.approx(1.5 / np.sqrt(5 / 3))


def test_p_in_the_middle_is_one():
    # ten of twenty with half of all ranks; the step of one half lies beyond the middle
    assert rank_sum(105, 10, 20, 0).p == 1


# --- counts ---------------------------------------------------------------------------------------


def test_binomial_p_is_never_above_one():
    n = np.arange(1, 60)
    for probability in (0.5, 0.3, 1 / 3):
        k, size = (part.ravel() for part in np.meshgrid(n, n))
        log_p = counts.log_binomial_two_sided(k[k <= size], size[k <= size], probability)
        assert (log_p <= 0).all()


def test_what_is_certain_always_happens():
    found = np.exp(counts.log_binomial_two_sided([2, 1, 0, 1], 2, [1.0, 1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(found, [1, 0, 1, 0])


# --- negative binomial ----------------------------------------------------------------------------


def test_dispersion_by_moments_weighs_groups_by_their_degrees_of_freedom():
    # (2 x 2 + 4 x 2) / (2 x 2^2 + 4 x 1^2)
    assert nb.moment_dispersion(group(3, 2, 4), group(5, 1, 3)) == 1


def test_means_below_one_count_and_means_of_zero_do_not():
    test = nb.compare_groups(group(10, [0.5, 0.5, 0], 1), group(10, [0.25, 0, 0.25], 1), 0.5)
    np.testing.assert_allclose(test.coefficient, [np.log(2), np.nan, np.nan])


@pytest.fixture
def small():
    """Expression of four and four cells by 300 genes, each summing to less than one."""
    rng = np.random.default_rng(5)
    return rng.uniform(0.01, 0.1, size=(8, 300))


@pytest.mark.parametrize("height", [1.0, 4.0, 0.5])
def test_a_fit_of_more_genes_than_one_block_with_covariates_of_any_height(small, height):
    # Group means, whatever alpha; a covariate of 4 has a quarter of the coefficient.
    design = np.column_stack([np.ones(8), np.repeat([height, 0], 4)])
    test = nb.fit(small, design, np.linspace(0.1, 2, 300), column=1)
    ratio = small[:4].mean(axis=0) / small[4:].mean(axis=0)
    np.testing.assert_allclose(test.coefficient, np.log(ratio) / height, rtol=1e-8)
    first, second = (
        Moments(np.array(4.0), part.mean(axis=0), part.var(axis=0)) for part in np.split(small, 2)
    )
    groups = nb.compare_groups(first, second, np.linspace(0.1, 2, 300))
    np.testing.assert_allclose(test.error, groups.error / height, rtol=1e-6)
    np.testing.assert_allclose(test.p, groups.p, rtol=1e-6)


def test_no_genes_no_tests():
    test = nb.fit(np.zeros((4, 0)), np.ones((4, 1)), 1.0, column=0)
    assert test.coefficient.shape == test.error.shape == test.p.shape == (0,)


def test_one_gene_that_cannot_be_fitted_leaves_the_others_alone():
    # Nothing at all; nothing in one group, whose mean falls for ever; and twice as much.
    y = np.array([[0, 0, 2.0], [0, 0, 4.0], [0, 1, 1.0], [0, 2, 2.0]])
    design = np.column_stack([np.ones(4), [1, 1, 0, 0]])
    test = nb.fit(y, design, 0.5, column=1)
    np.testing.assert_allclose(test.coefficient, [np.nan, np.nan, np.log(2)])
    np.testing.assert_array_equal(np.isnan(test.p), [True, True, False])


def test_published_pairs_equal_statsmodels():
    rng = np.random.default_rng(1)
    control = rng.poisson(5, size=(30, 4)).astype(float)
    changed = rng.poisson(7, size=(30, 4)).astype(float)
    size = np.array([0.2, 1.0, 2.0, 4.0])  # alpha is the size itself, as published
    found = nb.published_pairs(control, changed, size)
    assert tuple(found) == ("glm_log2_fold", "glm_p", "glm_q")
    design = np.column_stack([np.ones(60), np.tile(np.arange(30), 2), np.repeat([0, 1], 30)])
    fits = [
        sm.GLM(
            np.r_[control[:, gene], changed[:, gene]],
            design,
            family=sm.families.NegativeBinomial(alpha=size[gene]),
        ).fit(tol=1e-12, maxiter=200)
        for gene in range(4)
    ]
    p = np.array([fitted.pvalues[2] for fitted in fits])
    np.testing.assert_allclose(
        found["glm_log2_fold"], [fitted.params[2] / np.log(2) for fitted in fits], rtol=1e-6
    )
    np.testing.assert_allclose(found["glm_p"], p, rtol=1e-6)
    np.testing.assert_allclose(found["glm_q"], scipy.stats.false_discovery_control(p), rtol=1e-6)


def test_published_pairs_without_a_size_are_missing():
    found = nb.published_pairs(np.ones((3, 2)), np.ones((3, 2)), None)
    assert tuple(found) == ("glm_log2_fold", "glm_p", "glm_q")
    for column in found.values():
        assert column.shape == (2,)
        assert np.isnan(column).all()
