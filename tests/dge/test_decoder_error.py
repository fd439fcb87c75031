"""The error of a decoder is part of the variance of corrected tests, and of no published one."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.dge.cell_sets import split_cells
from featurelens.dge.config import DgeConfig
from featurelens.dge.gene_tests import test_genes, test_statistics
from featurelens.dge.layout import prepare_bundle, prepare_expression
from featurelens.dge.matching import match_cells
from featurelens.embeddings.bundle import Bundle
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.expression import residual_variance

CONFIG = DgeConfig(high_percentile=80, library=100, composition="raw")
N_CELLS, N_GENES = 300, 20


@pytest.fixture(scope="module")
def bundle():
    rng = np.random.default_rng(0)
    z = rng.dirichlet(np.ones(3), N_CELLS).astype(np.float32)
    factors = rng.dirichlet(np.ones(N_GENES), 3).T.astype(np.float32)
    counts = rng.poisson(60 * z @ factors.T) + np.eye(N_CELLS, N_GENES).astype(int)
    counts[:, 0] += 1
    genes = [f"G{number}" for number in range(N_GENES)]
    names = [f"c{number}" for number in range(N_CELLS)]
    cells = anndata.AnnData(
        obs=pd.DataFrame({"cell_type": "a", "batch": "1"}, index=names),
        var=pd.DataFrame({"symbol": genes}, index=genes),
        obsm={"X_emb": z},
        layers={"counts": sparse.csr_matrix(counts)},
    )
    return Bundle(cells=cells, decoder=LinearSimplexDecoder(factors=factors), info={})


def shares(bundle, order=slice(None)):
    counts = bundle.cells.layers["counts"].toarray()[order]
    return 100 * counts / counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("permuted", [False, True])
def test_the_error_is_the_mean_squared_difference_of_counts_from_what_is_decoded(bundle, permuted):
    order = np.random.default_rng(1).permutation(N_CELLS) if permuted else None
    decoded = bundle.embedding.astype(float) @ bundle.decoder.factors.T.astype(float)
    decoded *= 100 / decoded.sum(axis=1, keepdims=True)
    measured = shares(bundle, slice(None) if order is None else order)
    expected = ((measured - decoded) ** 2).mean(axis=0)
    found = residual_variance(bundle, library=100, order=order)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    prepared = prepare_bundle(bundle, CONFIG, convention="corrected", order=order)
    np.testing.assert_allclose(prepared.noise.ravel()[:N_GENES], expected, rtol=1e-4)
    assert (prepared.noise.ravel()[N_GENES:] == 0).all()
    assert prepare_bundle(bundle, CONFIG, convention="corrected", source="measured").noise is None


def test_corrected_variances_hold_it(bundle):
    rng = np.random.default_rng(2)
    sets = split_cells(
        sparse.csr_matrix(np.maximum(rng.normal(size=(N_CELLS, 4)), 0)),
        config=CONFIG,
        convention="corrected",
    )
    prepared = prepare_bundle(bundle, CONFIG, convention="corrected")
    noise = prepared.noise.ravel()[:N_GENES]
    tests = test_genes(sets, prepared, config=CONFIG, convention="corrected")
    t = test_statistics(sets, prepared, composition="raw")
    decoded = bundle.decode(bundle.embedding, library=100).astype(float)
    for row, (high, low) in enumerate(zip(sets.high.toarray(), sets.low().toarray(), strict=True)):
        first, second = decoded[high > 0], decoded[low > 0]
        error = sum((part.var(axis=0, ddof=1) + noise) / len(part) for part in (first, second))
        expected = (first.mean(axis=0) - second.mean(axis=0)) / np.sqrt(error)
        np.testing.assert_allclose(tests.t[row], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(t, tests.t)
    published, without = (
        test_genes(sets, one, config=CONFIG, convention="published")
        for one in (prepared, replace(prepared, noise=None))
    )
    np.testing.assert_array_equal(published.t, without.t)
    np.testing.assert_array_equal(published.q, without.q)


def test_one_stratum_holds_it_as_all_cells_do(bundle):
    activations = np.maximum(np.random.default_rng(3).normal(size=(N_CELLS, 4)), 0)
    sets = split_cells(sparse.csr_matrix(activations), config=CONFIG, convention="corrected")
    everyone = np.zeros(N_CELLS, dtype=int)
    matched = match_cells(sets, everyone, config=CONFIG)
    prepared = prepare_bundle(bundle, CONFIG, convention="corrected")
    whole, within = (
        test_genes(compared, one, config=CONFIG, convention="corrected")
        for compared, one in ((sets, prepared), (matched, prepared.by(everyone)))
    )
    np.testing.assert_allclose(within.t, whole.t, rtol=1e-9)
    plain = test_genes(
        sets,
        prepare_expression(bundle.decode(bundle.embedding)),
        config=CONFIG,
        convention="corrected",
    )
    assert (np.abs(whole.t) < np.abs(plain.t)).all()
