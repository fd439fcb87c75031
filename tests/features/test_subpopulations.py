"""Splits of a cell type by local features, beside those of random directions."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from statsmodels.stats.multitest import multipletests

from featurelens.features.subpopulations import Rules, count_genes, judge_splits, random_splits

N_CELLS, N_GENES = 120, 40


@pytest.fixture(scope="module")
def type_of_cells():
    """One type of two clusters; a feature of one cluster, one of other genes, one of neither."""
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(N_CELLS, 4))
    embedding[: N_CELLS // 2, 0] += 30
    by_cluster = np.arange(N_CELLS) < N_CELLS // 2
    by_genes = np.arange(N_CELLS) % 2 == 0
    neither = rng.permutation(by_genes)
    expression = np.log1p(rng.poisson(20, (N_CELLS, N_GENES)).astype(float))
    expression[by_genes, :12] += 1.5
    expression[by_cluster, 12:24] += 1.5
    splits = np.column_stack([by_cluster, by_genes, neither])
    return embedding, splits, sparse.csr_matrix(expression)


def test_genes_are_counted_as_a_loop_over_scipy_counts_them(type_of_cells):
    _, splits, expression = type_of_cells
    dense = expression.toarray()
    expected = []
    for split in splits.T:
        p = stats.ttest_ind(dense[split], dense[~split], equal_var=False).pvalue
        q = multipletests(p, method="fdr_bh")[1]
        means = [np.expm1(dense[rows]).mean(axis=0) + 0.1 for rows in (split, ~split)]
        expected.append(int(((q < 0.05) & (np.abs(np.log2(means[0] / means[1])) >= 1)).sum()))
    assert count_genes(splits, expression, Rules()).tolist() == expected
    assert expected == [12, 12, 0]


def test_only_a_split_of_genes_that_no_cluster_shows_reveals(type_of_cells):
    embedding, splits, expression = type_of_cells
    activations = sparse.csr_matrix(np.column_stack([np.zeros(N_CELLS), splits]).astype(float))
    local = pd.Series(["a"] * 3, index=[1, 2, 3])
    found = judge_splits(activations, local, ["a"] * N_CELLS, embedding, expression)
    assert found["feature"].tolist() == [1, 2, 3]
    assert found["n_active"].tolist() == splits.sum(axis=0).tolist()
    assert found["n_genes"].tolist() == [12, 12, 0]
    assert found["agreement"].iloc[0] == pytest.approx(1)
    assert (found["agreement"].iloc[1:] < 0.1).all()


def test_splits_of_few_cells_are_not_looked_at(type_of_cells):
    embedding, _, expression = type_of_cells
    few = np.zeros((N_CELLS, 1))
    few[:9] = 1
    cells = (["a"] * N_CELLS, embedding, expression)
    local = pd.Series(["a"], index=[0])
    assert len(judge_splits(sparse.csr_matrix(few), local, *cells)) == 0
    few[9] = 1
    assert len(judge_splits(sparse.csr_matrix(few), local, *cells)) == 1
    assert len(judge_splits(sparse.csr_matrix(few), local.iloc[:0], *cells)) == 0


def test_random_splits_have_the_sizes_asked_for():
    rng = np.random.default_rng(3)
    embedding = rng.normal(size=(50, 6))
    splits = random_splits(embedding, np.array([7, 20, 43]), rng)
    assert splits.sum(axis=0).tolist() == [7, 20, 43]
    # A split along one axis alone, in one dimension: the largest or the smallest values.
    line = np.arange(10.0)[:, None]
    [split] = random_splits(line, np.array([3]), rng).T
    assert np.flatnonzero(split).tolist() in ([0, 1, 2], [7, 8, 9])
