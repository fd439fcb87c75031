"""The factor that leaves the typical gene unchanged, by pencil and by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurelens.stats.composition import closure_factors


def by_hand(first, second):
    """The same of one pair of profiles, gene by gene."""
    weight = np.minimum(
        (first / first.sum() + second / second.sum()) / 2, max(0.01, 1 / len(first))
    )
    genes = sorted(np.flatnonzero(weight > 0), key=lambda g: second[g] / max(first[g], 1e-300))
    reached = 0.0
    for gene in genes:
        reached += weight[gene]
        if reached >= weight.sum() / 2 * (1 - 1e-9):
            return second[gene] / first[gene]
    raise AssertionError


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7, 0.9])
def test_a_loud_gene_makes_no_other_fall(share):
    # Of 40 genes one takes a share: all others keep (1 - share) of what they had.
    before = np.random.default_rng(0).gamma(1, 1, (1, 40))
    before /= before.sum()
    after = (1 - share) * before
    after[0, 3] += share
    assert closure_factors(after, before) == pytest.approx(1 / (1 - share))
    assert closure_factors(before, after) == pytest.approx(1 - share)


def test_twelve_genes_by_pencil():
    # Equal weights of 1/12 at most: 1/2 (five genes), 1 (one), 2 (six) times as much afterwards.
    # The lightest five weigh 5 x 2/19 + ... each gene of the second group weighs about 1/12, so
    # the middle lies among the six that doubled: the high cells are halved.
    before = np.ones((1, 12))
    after = np.array([[0.5] * 3 + [1.0] * 1 + [2.0] * 8])
    assert closure_factors(after, before) == pytest.approx(0.5)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_factors_are_weighted_medians(seed):
    rng = np.random.default_rng(seed)
    n_genes = rng.integers(12, 300)
    mean = rng.gamma(0.3, 1, n_genes)
    first, second = rng.poisson(30 * mean, (2, 4, n_genes)) + (rng.random(n_genes) < 0.3)
    found = closure_factors(first.astype(float), second.astype(float))
    for row in range(4):
        expected = by_hand(first[row], second[row])
        usable = np.isfinite(expected) and expected > 0 and (first + second > 0)[row].sum() >= 10
        assert found[row, 0] == pytest.approx(expected if usable else 1.0)


def test_equal_weights_reach_half_at_the_sixth_of_twelve_in_any_order():
    # Shares (1 + d) / 12 and (1 - d) / 12 have the mean 1 / 12 each, d = -.55, -.45, ..., .55: the
    # sixth smallest ratio is that of d = -.05.
    d = np.random.default_rng(3).permuted(np.tile(np.linspace(-0.55, 0.55, 12), (70, 1)), axis=1)
    one, two = (closure_factors(1 - d, 1 + d, threads=threads) for threads in (1, 2))
    np.testing.assert_allclose(one, np.full((70, 1), 0.95 / 1.05), rtol=1e-9)
    np.testing.assert_array_equal(one, two)


def test_units_do_not_matter_and_what_is_unknown_is_one():
    rng = np.random.default_rng(1)
    first, second = rng.gamma(1, 1, (2, 3, 50))
    factor = closure_factors(first, second)
    np.testing.assert_allclose(closure_factors(1e4 * first, 1e4 * second), factor)
    np.testing.assert_allclose(closure_factors(4 * first, second), factor / 4)
    few = closure_factors(first[:, :9], second[:, :9])  # of nine genes none is typical
    silent = closure_factors(np.zeros((1, 50)), second[:1])
    missing = closure_factors(np.full((1, 50), np.nan), second[:1])
    assert [*few.ravel(), *silent.ravel(), *missing.ravel()] == [1] * 5
