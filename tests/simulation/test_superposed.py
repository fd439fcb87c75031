"""The zipf simulation and the metrics that need true features."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

from featurelens.config.parse import parse_config
from featurelens.io import InputError
from featurelens.options import as_plain
from featurelens.recovery.config import BaselineConfig
from featurelens.recovery.dictionary import describe_match, match_dictionary
from featurelens.sae.config import SAEConfig
from featurelens.sae.random_directions import random_directions
from featurelens.sae.stacks import train_stack
from featurelens.simulation.config import ZipfSimulation
from featurelens.simulation.simulate import simulate
from featurelens.simulation.variables import variables
from featurelens.simulation.zipf import firing_probabilities, parents
from featurelens.sweeps.measures import dictionaries

SMALL = ZipfSimulation(
    n_cells=6000, n_features=12, n_dimensions=8, n_roots=3, branching=2, max_probability=0.4,
    min_probability=0.05, seed=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return simulate(SMALL)


def test_probabilities_and_tree_by_hand():
    expected = [0.4, 0.2, 0.4 / 3, 0.1, 0.08, 0.4 / 6, 0.4 / 7, *[0.05] * 5]
    np.testing.assert_allclose(firing_probabilities(SMALL), expected)
    assert parents(SMALL).tolist() == [-1, -1, -1, 0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_cells_are_sums_of_their_features(data):
    directions, truth = data.varm["directions"], data.obsm["features"]
    np.testing.assert_allclose(np.linalg.norm(directions, axis=0), 1, rtol=1e-6)
    residual = data.X - truth @ directions.T
    assert residual.std() == pytest.approx(SMALL.noise_sd, rel=0.02)
    assert np.abs(residual.mean(axis=0)).max() < 5 * SMALL.noise_sd / np.sqrt(6000)
    np.testing.assert_array_equal(data.obsm["X_emb"], data.X)
    assert [(group.name, group.level) for group in variables(data)] == [("Y", 0), ("F", 1)]


def test_a_child_never_fires_without_its_parent(data):
    fires, parent = data.obsm["features"] > 0, parents(SMALL)
    for feature in range(3, 12):
        assert not (fires[:, feature] & ~fires[:, parent[feature]]).any()
    assert data.uns["features"]["level"].tolist() == [0] * 3 + [1] * 6 + [2] * 3


def test_frequencies_are_the_probabilities_without_correlation():
    drawn = simulate(replace(SMALL, correlation=0, n_cells=40_000))
    p = firing_probabilities(SMALL)
    z = (drawn.uns["features"]["frequency"] - p) / np.sqrt(p * (1 - p) / 40_000)
    assert np.abs(z).max() < 4


def test_correlated_roots_fire_together_as_the_copula_says():
    """Two roots and one factor: correlation of the latent variables is +-0.5."""
    config = ZipfSimulation(
        n_cells=50_000, n_features=2, n_dimensions=2, n_roots=2, correlation=0.5, n_factors=1,
        exponent=0, max_probability=0.2, min_probability=0.1,
    )  # fmt: skip
    fires = simulate(config).obsm["features"] > 0
    together = (fires[:, 0] & fires[:, 1]).mean()
    bound = norm.ppf(0.2)
    expected = [
        multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([bound, bound]) for r in (-0.5, 0.5)
    ]
    assert min(abs(together - value) for value in expected) < 0.005
    assert abs(together - 0.04) > 0.02  # what independent features would give


def test_a_draw_repeats_and_its_start_does_not_depend_on_its_length(data):
    np.testing.assert_array_equal(simulate(SMALL).X, data.X)
    longer = simulate(replace(SMALL, n_cells=9000))
    np.testing.assert_array_equal(longer.X[:4096], data.X[:4096])
    assert (simulate(replace(SMALL, seed=2)).X != data.X).any()


def test_match_by_hand():
    true = np.eye(3)
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    # the first finds true 0; the second lies between 0 and 1, nearer to 0; the third is minus 2;
    # the fourth never fires
    directions = np.array([[2.0, 0, 0], [0.8, 0.6, 0], [0, 0, -1], [0, 1, 0]])
    codes = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 5, 0]], dtype=float)
    found = match_dictionary(directions, codes, true, truth)
    assert found.n_live == 3
    assert found.mcc == pytest.approx((1 + 0.6 + 1) / 3)
    # with signs, true 1 and 2 are better left with minus 2 and the second: 1 + 0 + 0 > 1 + .6 - 1
    assert found.matched_cosine == pytest.approx(1 / 3)
    assert found.mmcs == pytest.approx((1 + 0.6 + 0) / 3)
    assert found.found == pytest.approx(1 / 3)
    # nearest true features: 0, 0 and, for minus 2, the first of 0 and 1 at cosine 0
    assert found.precision == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert found.recall == pytest.approx((2 / 2 + 1 / 2 + 0) / 3)
    assert found.f1 == pytest.approx((4 / 5 + 2 / 4 + 0) / 3)
    assert found.uniqueness == pytest.approx(1 / 3)


def test_the_true_dictionary_is_perfect_and_nothing_alive_is_nan(data):
    true, truth = data.varm["directions"].T, data.obsm["features"]
    perfect = match_dictionary(3 * true, truth, true, truth)
    np.testing.assert_allclose(
        [perfect.mcc, perfect.matched_cosine, perfect.mmcs, perfect.f1, perfect.uniqueness], 1
    )
    dead = match_dictionary(true, np.zeros_like(truth), true, truth)
    assert dead.n_live == 0
    assert np.isnan([dead.mcc, dead.f1, dead.uniqueness]).all()


def test_random_value_stands_beside_every_metric():
    rng = np.random.default_rng(0)
    true = random_directions(5, 3, rng)
    truth = (rng.random((50, 5)) < 0.3).astype(float)
    found = match_dictionary(true, truth, true, truth)
    shuffled = [match_dictionary(random_directions(5, 3, rng), truth, true, truth) for _ in "ab"]
    columns = describe_match(found, shuffled)
    assert columns["random_mcc"] == pytest.approx(np.mean([match.mcc for match in shuffled]))
    assert list(columns)[:3] == ["n_live", "mcc", "random_mcc"]
    assert columns["mcc"] == pytest.approx(1)


def test_a_trained_dictionary_beats_random_and_decompositions(data, tmp_path):
    config = SAEConfig(
        architecture="topk", expansion=3, k=12.5, epochs=60, learning_rate=3e-3, seed=0
    )
    about = {"source": "zipf", "data_sha256": "d", "code": "c"}
    points = train_stack(data.obsm["X_emb"], [("a", config)], store=tmp_path / "all", **about)
    points = points.assign(stack="all")
    baselines = BaselineConfig(methods=("pca", "ica"), n_components=8)
    options = {"decompositions": as_plain(baselines), "log": lambda _: None}
    table = dictionaries.measure(points, tmp_path, data=data, **options)
    assert table["method"].tolist() == ["topk", "pca", "ica"]
    sae, pca = table.iloc[0], table.iloc[1]
    assert sae["mcc"] > sae["random_mcc"] + 0.1
    assert sae["f1"] > max(pca["f1"], sae["random_f1"]) + 0.05
    true_l0 = (data.obsm["features"] > 0).sum(axis=1).mean()
    assert sae["true_l0"] == pytest.approx(true_l0, rel=0.05)
    assert pd.isna(pca["mse"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_probability": 0.5}, r"min_probability \(0\.5\) is above max_probability \(0\.3\)"),
        ({"n_roots": 200}, r"n_roots \(200\) is above n_features \(100\)"),
        ({"correlation": 1.0}, "'simulations.zipf.data.correlation' is 1.0, should be less than 1"),
    ],
)
def test_mistakes_name_the_key(change, message):
    config = {"run": "z", "simulations": {"zipf": {"data": {"kind": "zipf"} | change}}}
    with pytest.raises(InputError, match=message):
        parse_config(config)


def test_sweeps_take_the_observables_of_a_zipf_simulation_only():
    grid = {"architecture": "topk", "expansion": 2}
    config = {
        "run": "z",
        "simulations": {"zipf": {"data": {"kind": "zipf"}}, "small": {"data": {"kind": "small"}}},
        "sweeps": {"z": {"embedding": "zipf/observables", "grids": [grid]}},
    }
    assert parse_config(config).sweeps["z"].source == "zipf"
    config["sweeps"]["z"]["embedding"] = "small/observables"
    with pytest.raises(InputError, match=r"'small/observables', which this run does not make"):
        parse_config(config)
    config["sweeps"]["z"] |= {"embedding": "zipf/observables", "structure": {"select": {}}}
    with pytest.raises(InputError, match=r"'sweeps\.z\.structure' recovers the connectivity"):
        parse_config(config)
