"""Every model makes a bundle that downstream can use, and each against an outside oracle."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import NMF

from featurelens.datasets.config import OwnCells, Pbmc68kReduced
from featurelens.datasets.readers import read_dataset
from featurelens.embeddings.config import ModelConfig
from featurelens.embeddings.embed import embed
from featurelens.embeddings.expression import expression
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel
from featurelens.embeddings.models.poisson_nmf.fit import (
    deviance,
    factorise,
    random_start,
    to_multinomial,
)
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.registry import kinds
from featurelens.io import InputError

FACS = Path(__file__).parents[3] / "shared" / "data" / "cells" / "pbmc_facs.h5ad"

CONFIGS = {
    "pca": PCAModel(n_components=5),
    "poisson_nmf": PoissonNMFModel(n_components=4, iterations=30),
    "precomputed": PrecomputedModel(key="X_given", factors="given_factors"),
}


@pytest.fixture(scope="module")
def pbmc() -> anndata.AnnData:
    cells = read_dataset(Pbmc68kReduced())
    rng = np.random.default_rng(0)
    cells.obsm["X_given"] = rng.dirichlet(np.ones(3), cells.n_obs)
    cells.varm["given_factors"] = rng.uniform(0.1, 1, (cells.n_vars, 3))
    return cells


def small(counts: np.ndarray) -> anndata.AnnData:
    counts = sparse.csr_matrix(counts.astype(np.int32))
    library = counts.sum(axis=1).A1
    normalised = sparse.csr_matrix(counts.multiply(1e4 / library[:, None]), dtype=np.float32)
    return anndata.AnnData(X=normalised.log1p(), layers={"counts": counts})


def test_every_kind_has_a_module_and_a_config():
    assert list(kinds()) == [config.kind for config in get_args(ModelConfig)]
    # These read checkpoints and have tests of their own.
    assert set(kinds()) == {*CONFIGS, "multidgd", "geneformer", "scvi"}


@pytest.mark.parametrize("kind", CONFIGS)
def test_contract_of_every_model(pbmc, kind):
    bundle = embed(pbmc, CONFIGS[kind])
    assert bundle.embedding.dtype == np.float32
    assert bundle.embedding.shape == (700, bundle.info["d"])
    assert np.isfinite(bundle.embedding).all()
    assert bundle.decoder.shape == (bundle.info["d"], 765)
    decoded = expression(bundle, library=1000)
    assert decoded.dtype == np.float32
    assert (decoded >= 0).all()
    np.testing.assert_allclose(decoded.sum(axis=1), 1000, rtol=1e-4)
    assert bundle.cells.obs.equals(pbmc.obs)
    assert bundle.cells.var_names.equals(pbmc.var_names)


@pytest.mark.parametrize("kind", CONFIGS)
def test_same_bytes_on_rerun(pbmc, kind):
    first, second = (embed(pbmc, CONFIGS[kind]) for _ in range(2))
    assert first.info == second.info
    assert first.embedding.tobytes() == second.embedding.tobytes()
    assert expression(first).tobytes() == expression(second).tobytes()


@pytest.mark.parametrize("kind", ["pca", "poisson_nmf"])
def test_too_many_components(kind):
    cells = small(np.arange(1, 13).reshape(4, 3))
    with pytest.raises(InputError, match=rf"n_components of {kind} is 9.* ask for fewer"):
        embed(cells, replace(CONFIGS[kind], n_components=9))


# --- PCA ---------------------------------------------------------------------------------------


def test_pca_is_the_singular_value_decomposition(pbmc):
    bundle = embed(pbmc, PCAModel(n_components=10))
    centred = pbmc.X.toarray().astype(float)
    centred -= centred.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :10] * values[:10]
    signs = np.sign((expected * bundle.embedding).sum(axis=0))
    np.testing.assert_allclose(bundle.embedding, expected * signs, atol=2e-3)
    share = (values[:10] ** 2).sum() / (values**2).sum()
    assert np.isclose(bundle.info["fit"]["explained_variance"], share, rtol=1e-4)


def test_pca_of_full_rank_decodes_to_what_was_measured():
    # Five cells span at most four dimensions around their mean, so four components lose nothing.
    counts = np.random.default_rng(1).poisson(5, (5, 8)) + 1
    bundle = embed(small(counts), PCAModel(n_components=4))
    measured = expression(bundle, source="measured", library=100)
    np.testing.assert_allclose(expression(bundle, library=100), measured, rtol=1e-3)


# --- Poisson NMF -------------------------------------------------------------------------------


def test_updates_equal_those_of_scikit_learn(pbmc):
    counts = sparse.csr_matrix(pbmc.layers["counts"][:100, :80], dtype=np.float64)
    counts = counts[counts.sum(axis=1).A1 > 0][:, counts.sum(axis=0).A1 > 0]
    weights, components = random_start(counts, 3, np.random.default_rng(0))
    ours = factorise(counts, weights, components, iterations=7)
    model = NMF(3, init="custom", solver="mu", beta_loss="kullback-leibler", tol=0, max_iter=7)
    theirs = model.fit_transform(counts.toarray(), W=weights.copy(), H=components.copy())
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-9)
    np.testing.assert_allclose(ours[1], model.components_, rtol=1e-9)
    # scikit-learn reports sqrt(2 KL), and the Poisson deviance is 2 KL.
    assert np.isclose(deviance(counts, *ours), model.reconstruction_err_**2, rtol=1e-9)


def test_no_update_raises_the_deviance(pbmc):
    counts = sparse.csr_matrix(pbmc.layers["counts"], dtype=np.float64)
    state = random_start(counts, 4, np.random.default_rng(3))
    before = deviance(counts, *state)
    for _ in range(10):
        state = factorise(counts, *state, iterations=1)
        after = deviance(counts, *state)
        assert after < before
        before = after


def test_multinomial_form_by_hand():
    # W H = [[2*1 + 1*4, 2*3 + 1*4]] = [[6, 10]]; row sums of H are 4 and 8.
    weights, components = np.array([[2.0, 1.0]]), np.array([[1.0, 3.0], [4.0, 4.0]])
    loadings, factors = to_multinomial(weights, components)
    # Loadings 2*4 and 1*8 of 16; factors 1/4, 3/4 and 1/2, 1/2.
    np.testing.assert_allclose(loadings, [[0.5, 0.5]])
    np.testing.assert_allclose(factors, [[0.25, 0.5], [0.75, 0.5]])
    np.testing.assert_allclose(16 * loadings @ factors.T, [[6, 10]])


def test_loadings_and_factors_lie_on_the_simplex(pbmc):
    bundle = embed(pbmc, CONFIGS["poisson_nmf"])
    assert (bundle.embedding >= 0).all()
    np.testing.assert_allclose(bundle.embedding.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(bundle.decoder.factors.sum(axis=0), 1, rtol=1e-5)
    assert bundle.decoder.share_clipped(bundle.embedding) == 0


def test_planted_factors_are_found():
    # Two blocks of genes, each cell a known mixture of both, 2,000 counts a cell.
    rng = np.random.default_rng(0)
    factors = np.zeros((20, 2))
    factors[:10, 0] = factors[10:, 1] = 0.1
    truth = rng.uniform(0, 1, 60)
    # Pure cells anchor the two factors.
    truth[:10], truth[10:20] = 0, 1
    loadings = np.column_stack([truth, 1 - truth])
    counts = np.stack([rng.multinomial(2000, p) for p in loadings @ factors.T])
    bundle = embed(small(counts), PoissonNMFModel(n_components=2, iterations=500))
    found = bundle.embedding[:, np.argmax(bundle.embedding[10])]
    # Sampling alone moves a share by at most sqrt(.25 / 2000) = 0.011.
    assert np.abs(found - truth).max() < 0.04


def test_seed_changes_the_start_only_slightly_the_fit(pbmc):
    config = PoissonNMFModel(n_components=4, iterations=100)
    first, second = embed(pbmc, config), embed(pbmc, replace(config, seed=1))
    assert first.info["embedding_sha256"] != second.info["embedding_sha256"]
    fits = [bundle.info["fit"] for bundle in (first, second)]
    assert np.isclose(fits[0]["deviance"], fits[1]["deviance"], rtol=0.02)
    assert all(fit["deviance"] < 0.95 * fit["deviance_start"] for fit in fits)


# --- precomputed -------------------------------------------------------------------------------


def test_precomputed_takes_the_matrix_as_it_is(pbmc):
    bundle = embed(pbmc, PrecomputedModel(key="X_given"))
    assert np.array_equal(bundle.embedding, pbmc.obsm["X_given"].astype(np.float32))
    assert bundle.decoder.type == "none"


def test_precomputed_factors_are_brought_to_sum_one(pbmc):
    decoder = embed(pbmc, CONFIGS["precomputed"]).decoder
    np.testing.assert_allclose(decoder.factors.sum(axis=0), 1, rtol=1e-5)
    cells = pbmc.copy()
    cells.varm["given_factors"] = pbmc.varm["given_factors"] * [1, 10, 100]
    again = embed(cells, CONFIGS["precomputed"]).decoder
    np.testing.assert_allclose(again.factors, decoder.factors, rtol=1e-5)


def test_precomputed_refuses_what_it_cannot_use(pbmc):
    with pytest.raises(InputError, match="obsm has no 'X_gven'; did you mean 'X_given'"):
        embed(pbmc, PrecomputedModel(key="X_gven"))
    cells = pbmc.copy()
    cells.varm["given_factors"][3, 1] = -1
    with pytest.raises(InputError, match=r"varm\['given_factors'\] must hold non-negative"):
        embed(cells, CONFIGS["precomputed"])


@pytest.mark.skipif(not FACS.exists(), reason=f"{FACS.name} is not beside the repository")
def test_published_factorisation_of_real_cells_predicts_their_gene_means():
    cells = read_dataset(OwnCells(path=str(FACS), cell_type="celltype", symbol="symbol"))
    bundle = embed(cells, PrecomputedModel(key="X_poisson_nmf", factors="poisson_nmf_F"))
    own = cells.obs["library"].to_numpy()
    predicted = bundle.decoder.decode(bundle.embedding, library=own).mean(axis=0)
    observed = cells.layers["counts"].mean(axis=0).A1
    assert np.corrcoef(predicted, observed)[0, 1] > 0.9999
    assert np.isclose(predicted.sum(), observed.sum(), rtol=1e-4)
    # The published fit was made of these counts: its sizes are their row sums.
    sizes = anndata.read_h5ad(FACS, backed="r").obs["nmf_size"]
    assert isinstance(sizes, pd.Series)
    np.testing.assert_allclose(sizes, own, rtol=1e-5)
