"""Sums over cells as matrix products: equal to the kernels, on whatever device."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.device_moments import moments_on_device
from featurelens.dge.gene_tests import _moments, test_genes
from featurelens.dge.layout import prepare_expression
from featurelens.dge.matching import cell_strata, match_cells

CONFIG = DgeConfig(high_percentile=90, min_cells=5, min_zero_cells=20)


@pytest.fixture(scope="module")
def study():
    """300 cells of three types in two batches, 40 genes of which some never vary in a set."""
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(
        {
            "cell_type": rng.choice(list("abc"), 300),
            "batch": rng.choice(["one", "two"], 300),
        }
    )
    activations = np.maximum(rng.normal(-0.5, 1, size=(300, 30)), 0)
    activations[:, 0] += 0.1  # never zero: its low cells are the lowest
    expression = rng.poisson(0.05, size=(300, 40)).astype(float)
    expression[:, 1] = 0
    expression[:, 2] = 7.3
    expression[:, 3] = np.where(activations[:, 5] > 0, 2.0, 0.0)
    expression[:, 4:20] = rng.gamma(2, 50, size=(300, 16))
    return sparse.csr_matrix(activations), expression, cell_strata(cells)


@pytest.mark.parametrize("convention", ["published", "corrected"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_products_equal_the_kernels(study, convention, precision):
    activations, expression, _ = study
    sets = split_cells(activations, config=CONFIG, convention=convention)
    prepared = prepare_expression(expression, precision=precision)
    assert_equal_moments(sets, np.zeros(len(sets.columns), np.int64), prepared)


def test_products_equal_the_kernels_within_strata(study):
    activations, expression, strata = study
    found = split_cells(activations, config=CONFIG, convention="corrected")
    sets = match_cells(found, strata, config=replace(CONFIG, min_matched=2))
    assert len(sets.columns)
    prepared = prepare_expression(expression).by(strata)
    assert_equal_moments(sets.parts, sets.stratum, prepared)


def assert_equal_moments(sets, group, prepared):
    kernels, products = _moments(sets, group, prepared), moments_on_device(sets, group, prepared)
    n_constant = 0
    for block in range(len(prepared.blocks)):
        genes, *expected = kernels(block)
        its_genes, *found = products(block)
        assert genes == its_genes
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one.n, other.n)
            np.testing.assert_allclose(other.mean, one.mean, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(other.variance, one.variance, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(other.variance == 0, one.variance == 0)
            n_constant += int((one.variance == 0).sum())
    assert n_constant > len(sets.columns)  # sets without any variance were among them


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_tests(study):
    activations, expression, _ = study
    sets = split_cells(activations, config=CONFIG, convention="corrected")
    prepared = prepare_expression(expression)
    expected = test_genes(sets, prepared, config=CONFIG, convention="corrected")
    on_gpu = replace(prepared, device="cuda")
    found = test_genes(sets, on_gpu, config=CONFIG, convention="corrected")
    np.testing.assert_allclose(found.t, expected.t, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.p, expected.p, rtol=1e-7)
