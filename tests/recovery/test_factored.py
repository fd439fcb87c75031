"""Decompositions of observables that are never made, against scikit-learn on the whole of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA, FastICA, TruncatedSVD

from featurelens.recovery import baselines
from featurelens.recovery.baseline_scores import measure_baselines, spaced_cells
from featurelens.recovery.baselines import fit_baseline
from featurelens.recovery.config import BaselineConfig
from featurelens.simulation.config import HierarchicalSimulation
from featurelens.simulation.observables import Observables
from featurelens.simulation.simulate import simulate


@pytest.fixture(scope="module")
def made():
    """400 cells, 70 genes, 9 programs of which the last repeats the first: rank 8."""
    rng = np.random.default_rng(1)
    programs = rng.gamma(1.5, size=(400, 9)).astype(np.float32)
    programs[:, 8] = programs[:, 0]
    connectivity = rng.binomial(1, 0.3, (70, 9)).astype(np.uint8)
    connectivity[0, 4] = 1  # FastICA takes its signs from the first gene
    return Observables(programs, connectivity)


@pytest.mark.parametrize("n_components", [3, 8])
@pytest.mark.parametrize("method", ["pca", "svd", "ica"])
def test_scores_are_those_of_scikit_learn_on_the_whole(made, method, n_components):
    whole = made.rows(slice(None)).astype(np.float64)
    model = {
        "pca": PCA(n_components, svd_solver="full"),
        "svd": TruncatedSVD(n_components, algorithm="arpack"),
        "ica": FastICA(n_components, whiten="unit-variance", random_state=3, max_iter=500),
    }[method]
    expected = model.fit_transform(whole)
    found = fit_baseline(made, method, n_components, seed=3)
    np.testing.assert_allclose(found.scores, expected, atol=2e-3 * np.abs(expected).max())
    directions = model.mixing_.T if method == "ica" else model.components_
    np.testing.assert_allclose(found.directions, directions, atol=2e-3 * np.abs(directions).max())
    assert found.rank == 8
    assert found.converged


def test_stored_and_made_observables_agree_and_are_capped_at_the_rank(made):
    for method in ("pca", "svd", "ica"):
        found = fit_baseline(made, method, 50, seed=0)
        stored = fit_baseline(made.rows(slice(None)), method, 50, seed=0)
        assert (found.n_components, found.rank) == (stored.n_components, stored.rank) == (8, 8)
        assert found.n_requested == 50


def test_all_components_give_the_observables_back(made):
    whole = made.rows(slice(None))
    for method, mean in (("svd", 0), ("pca", whole.mean(axis=0)), ("ica", whole.mean(axis=0))):
        found = fit_baseline(made, method, 8, seed=0)
        np.testing.assert_allclose(found.scores @ found.directions + mean, whole, atol=1e-3)


def test_the_whole_is_never_made(made, monkeypatch):
    def refuse(*_):
        raise AssertionError("observables were made")

    monkeypatch.setattr(Observables, "rows", refuse)
    monkeypatch.setattr(Observables, "columns", refuse)
    for method in ("pca", "svd", "ica"):
        assert fit_baseline(made, method, 4, seed=0).scores.shape == (400, 4)


def test_a_constant_is_refused(made):
    nothing = Observables(np.zeros_like(made.cells), made.connectivity)
    with pytest.raises(ValueError, match="nothing to decompose"):
        fit_baseline(nothing, "pca", 3, seed=0)


def test_a_column_without_loading_keeps_its_sign(made):
    """A first gene without programs has no sign to give, and no component vanishes for it."""
    connectivity = made.connectivity.copy()
    connectivity[0] = 0
    found = fit_baseline(Observables(made.cells, connectivity), "ica", 8, seed=0)
    np.testing.assert_allclose(found.scores.std(axis=0), 1, rtol=1e-4)
    assert baselines.numerical_rank(found.scores) == 8


def test_cells_are_spaced_evenly_over_the_training_cells():
    data = simulate(HierarchicalSimulation(n_cells=100, n_genes=30))  # the last 10 are held out
    assert spaced_cells(data, 30).tolist() == list(range(0, 90, 3))
    assert spaced_cells(data, 4).tolist() == [0, 22, 45, 67]
    assert spaced_cells(data, 500).tolist() == list(range(90))


def test_baselines_of_some_cells_are_those_of_these_cells_alone():
    config = BaselineConfig(methods=("pca",), n_components=5, n_cells=45)
    made = simulate(HierarchicalSimulation(n_cells=100, n_genes=30, observables="implicit"))
    some = simulate(HierarchicalSimulation(n_cells=100, n_genes=30))[0:90:2]
    found = measure_baselines(made, config, log=lambda _: None)
    whole = BaselineConfig(methods=("pca",), n_components=5)
    expected = measure_baselines(some, whole, log=lambda _: None)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)
