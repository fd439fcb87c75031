"""Genes permuted singly: amounts stay, relations go, the room that loud genes leave stays."""

import numpy as np
import pytest
from scipy import sparse

from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes
from featurelens.dge.layout import prepare_expression
from featurelens.dge.matching import match_cells
from featurelens.dge.singly import permute_singly

N_CELLS, N_GENES = 600, 150


def values_of(prepared):
    """Expression as it was laid out, (n_cells, n_genes)."""
    blocks = [prepared.block(number) for number in range(len(prepared.blocks))]
    return np.hstack([block.values + block.origin for block in blocks])[:, : prepared.n_genes]


@pytest.fixture(scope="module")
def shares():
    """Shares of 1e4: a program of ten genes, and gene 0, loud in the first hundred cells."""
    rng = np.random.default_rng(0)
    level = rng.gamma(6, 1, N_CELLS) / 6
    counts = rng.gamma(4, 1, N_GENES) * rng.gamma(6, 1, (N_CELLS, N_GENES))
    counts[:, 1:11] *= level[:, None]
    counts /= counts.sum(axis=1, keepdims=True)
    assert (counts > 0.05).sum(axis=0).max() < 20  # no gene but the first is loud
    counts[:, 0] = 0.01
    counts[:100, 0] = 2 * counts[:100, 1:].sum(axis=1) * rng.uniform(0.9, 1.1, 100)
    return counts / counts.sum(axis=1, keepdims=True) * 1e4


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_amounts_stay_and_relations_go(shares, precision):
    prepared = prepare_expression(shares, precision=precision)
    labels = np.arange(N_CELLS) % 2
    found = values_of(permute_singly(prepared, labels, min_cells=20, seed=(0, 3, 1)))
    room = 1 - shares[:, 0] / 1e4
    np.testing.assert_allclose(room[:100], 1 / 3, atol=0.04)
    tolerance = {"rtol": 1e-9} if precision == "float64" else {"rtol": 1e-3, "atol": 1e-2}
    for label in (0, 1):
        cells = labels == label
        # Gene 0 as it is; of all others the part of the room that it leaves.
        np.testing.assert_allclose(np.sort(found[cells, 0]), np.sort(shares[cells, 0]), **tolerance)
        before, after = (x[cells, 1:] / room[cells, None] for x in (shares, found))
        np.testing.assert_allclose(np.sort(after, axis=0), np.sort(before, axis=0), **tolerance)
    correlation = np.corrcoef((found[:, 1:11] / room[:, None]).T)
    assert np.abs(correlation[np.triu_indices(10, 1)]).mean() < 0.06
    before = np.corrcoef((shares[:, 1:11] / room[:, None]).T)
    assert before[np.triu_indices(10, 1)].mean() > 0.2
    # Cells in which gene 0 was loud keep their little room, though gene 0 has left.
    assert found[:100, 1:].mean() == pytest.approx(found[100:, 1:].mean() / 3, rel=0.05)
    assert found[:100, 0].mean() < shares[:100, 0].mean() / 3


def test_tests_see_the_permuted_expression(shares):
    # The same as tests of a copy that is laid out anew, in both contrasts.
    activations = sparse.csr_matrix(np.maximum(np.random.default_rng(3).normal(size=(600, 5)), 0))
    config = DgeConfig(high_percentile=80)
    sets = split_cells(activations, config=config, convention="corrected")
    strata = np.arange(N_CELLS) % 3
    matched = match_cells(sets, strata, config=config)
    for compared, prepared in (
        (sets, prepare_expression(shares)),
        (matched, prepare_expression(shares).by(strata)),
    ):
        moved = permute_singly(prepared, strata, min_cells=20, seed=(0, 3))
        copy = prepare_expression(values_of(moved))
        copy = copy.by(strata) if compared is matched else copy
        found, expected = (
            test_genes(compared, one, config=config, convention="corrected", threads=threads)
            for one, threads in ((moved, 2), (copy, 1))
        )
        np.testing.assert_allclose(found.t, expected.t, rtol=1e-8, atol=1e-10)
    other = permute_singly(prepared, strata, min_cells=20, seed=(0, 4))
    assert not np.array_equal(values_of(other), values_of(moved))


def test_one_batch_without_loud_genes_is_a_plain_permutation():
    values = np.random.default_rng(1).gamma(5, 1, (50, 30))
    prepared = prepare_expression(values)
    labels = np.zeros(50, dtype=np.int64)
    found = values_of(permute_singly(prepared, labels, min_cells=60, seed=(1,)))
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(values, axis=0), rtol=1e-12)
    assert not np.allclose(found, values)
