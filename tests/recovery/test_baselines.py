import numpy as np
import pytest
from sklearn.decomposition import PCA

from featurelens.recovery import baselines
from featurelens.recovery.baselines import fit_baseline, numerical_rank
from featurelens.recovery.neurons import measure_recovery
from featurelens.simulation.config import HierarchicalSimulation, SmallSimulation
from featurelens.simulation.simulate import simulate
from featurelens.simulation.variables import variables

METHODS = ["pca", "ica", "svd"]


@pytest.fixture(scope="module")
def hierarchical():
    return simulate(HierarchicalSimulation(n_cells=800, n_genes=200))


def independent(n=2_000, d=10, seed=0):
    """Three independent non-Gaussian sources in ten genes, plus an offset."""
    rng = np.random.default_rng(seed)
    sources = rng.laplace(size=(n, 3))
    return sources, (sources @ rng.standard_normal((3, d)) + 4).astype(np.float32)


@pytest.mark.parametrize("method", METHODS)
def test_components_are_capped_at_the_rank(method, hierarchical):
    # 20 programs, of which the draw leaves some off in every cell type
    active = hierarchical.obsm["programs_active"]
    rank = int((active != 0).any(0).sum())
    assert rank < 20
    baseline = fit_baseline(hierarchical.X, method, 50, seed=0)
    assert (baseline.rank, baseline.n_components, baseline.n_requested) == (rank, rank, 50)
    assert baseline.scores.shape == (800, rank)
    assert baseline.directions.shape == (rank, 200)
    assert np.isfinite(baseline.scores).all()


@pytest.mark.parametrize("method", METHODS)
def test_rank_of_the_small_simulation_is_three(method):
    adata = simulate(SmallSimulation(n_cells=2_000, n_validation=200))
    baseline = fit_baseline(adata.X, method, 4, seed=0)
    assert (baseline.rank, baseline.n_components) == (3, 3)
    assert fit_baseline(adata.X, method, 2, seed=0).n_components == 2


@pytest.mark.parametrize("method", METHODS)
def test_all_components_rebuild_the_data(method, hierarchical):
    baseline = fit_baseline(hierarchical.X, method, 50, seed=0)
    rebuilt = baseline.scores @ baseline.directions
    if method != "svd":
        rebuilt += hierarchical.X.mean(0)
    np.testing.assert_allclose(rebuilt, hierarchical.X, atol=2e-3)


def test_pca_is_ordered_and_orthonormal(hierarchical):
    baseline = fit_baseline(hierarchical.X, "pca", 5, seed=0)
    np.testing.assert_allclose(baseline.directions @ baseline.directions.T, np.eye(5), atol=1e-5)
    variance = np.linalg.eigvalsh(np.cov(hierarchical.X.T))[::-1][:5]
    np.testing.assert_allclose(baseline.scores.var(0, ddof=1), variance, rtol=1e-4)
    assert baseline.rank > 5


def test_ica_separates_independent_sources():
    sources, data = independent()
    baseline = fit_baseline(data, "ica", 10, seed=0)
    assert baseline.converged
    assert baseline.rank == 3
    r = np.abs(np.corrcoef(baseline.scores.T, sources.T)[:3, 3:])
    assert (r.max(0) > 0.99).all()
    mixed = np.abs(np.corrcoef(PCA(3).fit_transform(data).T, sources.T)[:3, 3:])
    assert mixed.max(0).min() < 0.95


def test_ica_that_does_not_settle_says_so(monkeypatch):
    # Whether it ever does where there is nothing to separate, a processor's last bits decide.
    monkeypatch.setattr(baselines, "MOST_ICA", 3)
    gaussian = np.random.default_rng(0).standard_normal((200, 20))
    assert not fit_baseline(gaussian, "ica", 20, seed=0).converged


def parts(seed=0):
    """Cells that are sums of three sparse parts, none of which is negative anywhere."""
    rng = np.random.default_rng(seed)
    amounts = np.maximum(rng.normal(size=(500, 3)), 0)
    return amounts, amounts @ np.maximum(rng.normal(size=(3, 12)), 0)


def test_nmf_finds_parts_that_are_never_negative():
    amounts, data = parts()
    found = fit_baseline(data, "nmf", 9, seed=0)
    assert (found.rank, found.n_components) == (3, 3)
    assert found.converged
    assert found.scores.min() >= 0
    assert found.directions.min() >= 0
    np.testing.assert_allclose(found.scores @ found.directions, data, atol=0.1)
    r = np.corrcoef(found.scores.T, amounts.T)[:3, 3:]
    assert r.max(axis=0).min() > 0.95


def test_nmf_counts_the_noise_below_zero_as_zero():
    _, data = parts()
    noisy = np.where(data == 0, -0.01, data)
    one, other = (fit_baseline(values, "nmf", 2, seed=0).scores for values in (data, noisy))
    np.testing.assert_array_equal(one, other)


def test_nmf_that_does_not_settle_says_so(monkeypatch):
    monkeypatch.setattr("featurelens.recovery.baselines.MOST_NMF", 2)
    assert not fit_baseline(parts()[1], "nmf", 3, seed=0).converged


@pytest.mark.parametrize("method", [*METHODS, "nmf"])
def test_same_seed_same_bytes(method, hierarchical):
    first, again = (fit_baseline(hierarchical.X, method, 6, seed=1) for _ in range(2))
    assert first.scores.tobytes() == again.scores.tobytes()


def test_rounding_of_single_precision_is_not_rank():
    rng = np.random.default_rng(0)
    exact = rng.standard_normal((300, 7)) @ rng.standard_normal((7, 100)) + 50
    assert numerical_rank(exact.astype(np.float32).astype(np.float64)) == 8
    assert numerical_rank(np.zeros((4, 3))) == 0


def test_what_cannot_be_decomposed_is_refused():
    with pytest.raises(ValueError, match="constant"):
        fit_baseline(np.full((10, 4), 2.0), "pca", 2, seed=0)
    with pytest.raises(ValueError, match="choose pca, ica, svd, nmf"):
        fit_baseline(np.eye(4), "umap", 2, seed=0)


def test_baseline_goes_through_the_same_measure(hierarchical):
    baseline = fit_baseline(hierarchical.X, "pca", 50, seed=0)
    table = measure_recovery(baseline.scores, variables(hierarchical), convention="corrected")
    assert table["n_live"].eq(baseline.n_components).all()
    # principal components are uncorrelated
    assert table["n_redundant"].eq(0).all()
    r = np.corrcoef(baseline.scores.T, hierarchical.obsm["programs"].T)
    n = baseline.n_components
    expected = np.abs(r[:n, n:]).max(0).mean()
    measured = table.set_index("group").loc["X", "best_correlation"]
    assert measured == pytest.approx(expected, abs=1e-5)
