"""Composition in tests of genes: scipy on high cells that were brought to the typical gene."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from scipy import sparse

from featurelens.dge.cell_sets import split_cells
from featurelens.dge.chosen import rank_sum_genes
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes, test_statistics
from featurelens.dge.layout import prepare_expression
from featurelens.dge.matching import match_cells
from featurelens.dge.tables import test_expression
from featurelens.means import Means

CONFIG = DgeConfig(high_percentile=80, min_cells=10, min_zero_cells=20)


@pytest.fixture(scope="module")
def cells():
    """Activations (400, 6), shares of 1e4 counts (400, 40); gene 0 is loud with feature 0."""
    rng = np.random.default_rng(2)
    activations = np.maximum(rng.normal(-0.5, 1, (400, 6)), 0)
    counts = rng.poisson(rng.gamma(1, 20, 40), (400, 40)).astype(float)
    loud = activations[:, 0] > 0.2
    counts[loud, 0] = rng.uniform(1.8, 2.2, loud.sum()) * counts[loud, 1:].sum(axis=1)
    return sparse.csr_matrix(activations), counts / counts.sum(axis=1, keepdims=True) * 1e4


def compared(cells, config=CONFIG, convention="corrected"):
    activations, expression = cells
    sets = split_cells(activations, config=config, convention=convention)
    prepared = prepare_expression(expression)
    return sets, prepared, test_genes(sets, prepared, config=config, convention=convention)


def test_every_statistic_is_scipys_after_the_factor(cells):
    sets, prepared, tests = compared(cells)
    ranks = rank_sum_genes(sets, prepared, factor=tests.factor, threads=2)
    expression = cells[1]
    for row, (high, low) in enumerate(zip(sets.high.toarray(), sets.low().toarray(), strict=True)):
        first = expression[high > 0] * tests.factor[row]
        second = expression[low > 0]
        expected = scipy.stats.ttest_ind(first, second, equal_var=False)
        np.testing.assert_allclose(tests.t[row], expected.statistic, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(tests.df[row], expected.df, rtol=1e-8)
        np.testing.assert_allclose(tests.p[row], expected.pvalue, rtol=1e-7)
        fold = np.log2((first.mean(axis=0) + 0.1) / (second.mean(axis=0) + 0.1))
        np.testing.assert_allclose(tests.log2_fold[row], fold, rtol=1e-8, atol=1e-12)
        sums = scipy.stats.mannwhitneyu(first, second, method="asymptotic")
        np.testing.assert_allclose(ranks.p[row], sums.pvalue, rtol=1e-9)
    t = test_statistics(sets, prepared, composition="typical_gene", threads=2)
    np.testing.assert_array_equal(t, tests.t)


def test_a_loud_gene_makes_no_other_fall(cells):
    # Gene 0 takes two thirds of the high cells of feature 0: a third is left, three times as much.
    _, _, met = compared(cells)
    _, _, raw = compared(cells, replace(CONFIG, composition="raw"))
    assert met.factor[0] == pytest.approx(3, rel=0.15)
    np.testing.assert_allclose(met.factor[1:], 1, atol=0.3)
    assert (raw.factor == 1).all()
    assert (raw.q[0, 1:] < 0.05).sum() >= 30
    assert (raw.t[0, 1:] < 0).sum() >= 38
    assert (met.q[0, 1:] < 0.05).sum() <= 2
    assert met.log2_fold[0, 0] > raw.log2_fold[0, 0] > 2


def test_published_statistics_do_not_know_of_it(cells):
    found, same = (
        compared(cells, replace(CONFIG, composition=composition), "published")[2]
        for composition in ("raw", "typical_gene")
    )
    for name in ("log2_fold", "t", "df", "p", "q"):
        np.testing.assert_array_equal(getattr(found, name), getattr(same, name))


def test_within_strata_the_factor_is_that_of_matched_means(cells):
    activations, expression = cells
    strata = np.arange(400) % 2
    sets = split_cells(activations, config=CONFIG, convention="corrected")
    matched = match_cells(sets, strata, config=CONFIG)
    prepared = prepare_expression(expression).by(strata)
    tests = test_genes(matched, prepared, config=CONFIG, convention="corrected")
    assert tests.factor[0] == pytest.approx(3, rel=0.15)
    assert (tests.q[0, 1:] < 0.05).sum() <= 2


def test_the_log_says_by_what_high_cells_were_multiplied(cells):
    activations, expression = cells
    genes = [f"G{number}" for number in range(40)]
    lines: list[str] = []
    options = {"config": CONFIG, "convention": "corrected", "means": Means(log=lines.append)}
    test_expression(activations, expression, genes, **options)
    factor = compared(cells)[2].factor
    expected = (np.median(factor), factor.min(), factor.max())
    [line] = [line for line in lines if line.startswith("composition")]
    assert line == (
        "composition: high cells were multiplied by {:.3g} in the median feature, "
        "by {:.3g} to {:.3g} over all".format(*expected)
    )
