"""Diagnostics of embeddings, by pencil and on real cells."""

import json

import numpy as np
import pytest

from featurelens.datasets.config import Pbmc68kReduced
from featurelens.datasets.readers import read_dataset
from featurelens.embeddings import diagnostics
from featurelens.embeddings.diagnostics import diagnose, effective_rank, gamma, probe_cell_types
from featurelens.embeddings.embed import embed
from featurelens.embeddings.expression import expression
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel


def test_effective_rank_by_hand():
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert np.isclose(effective_rank(square), 2)
    assert np.isclose(effective_rank(square * [1, 0]), 1)
    # Variances 3 to 1: exp(-(3/4 ln 3/4 + 1/4 ln 1/4)) = 4 / 3^(3/4).
    assert np.isclose(effective_rank(square * [np.sqrt(3), 1]), 4 / 3**0.75)
    assert np.isnan(effective_rank(np.ones((4, 2))))


def test_gamma_by_hand():
    # Mean (3, 4), length 5; variances (ddof 1) 2 and 2, so the spread is 2.
    points = np.array([[2.0, 3.0], [4.0, 5.0]])
    assert np.isclose(gamma(points), 2.5)
    assert np.isnan(gamma(np.ones((4, 2))))


def test_probe_finds_what_is_separable_and_not_what_is_not():
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], [100, 30, 20])
    noise = rng.normal(size=(150, 4))
    apart = noise + 20 * np.eye(4)[np.repeat([0, 1, 2], [100, 30, 20])]
    assert probe_cell_types(apart, labels, seed=0)["probe_accuracy"] == 1
    assert abs(probe_cell_types(noise, labels, seed=0)["probe_accuracy"] - 1 / 3) < 0.15


def test_probe_leaves_out_types_too_small_for_the_folds():
    labels = np.repeat(["a", "b", "rare"], [20, 20, 4])
    points = np.random.default_rng(0).normal(size=(44, 2))
    probe = probe_cell_types(points, labels, seed=0)
    assert (probe["probe_n_types"], probe["probe_n_left_out"]) == (2, 1)
    assert probe["probe_chance"] == 0.5
    assert np.isnan(probe_cell_types(points, np.array(["a"] * 44), seed=0)["probe_accuracy"])


def test_probe_draws_from_many_cells(monkeypatch):
    monkeypatch.setattr(diagnostics, "MOST_CELLS", 60)
    labels = np.repeat(["a", "b"], 100)
    points = np.where(labels == "a", 1.0, -1.0)[:, None] * np.ones(2)
    probe = probe_cell_types(points, labels, seed=0)
    assert (probe["probe_n_cells"], probe["probe_accuracy"]) == (60, 1)


def test_correlations_in_parts_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    left, right = rng.normal(50, 1, (40, 3)), rng.normal(size=(40, 3))
    left[:, 2] = 0.1 + 0.2
    right[:, 1] += left[:, 1]
    moments = diagnostics._Moments(3)
    for rows in (slice(0, 7), slice(7, 39), slice(39, 40)):
        moments.update(left[rows], right[rows])
    found = moments.correlations()
    expected = [np.corrcoef(left[:, gene], right[:, gene])[0, 1] for gene in (0, 1)]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-10)
    assert np.isnan(found[2])


@pytest.mark.parametrize("model", [PCAModel(), PoissonNMFModel()], ids=lambda model: model.kind)
def test_real_cells(model):
    bundle = embed(read_dataset(Pbmc68kReduced()), model)
    row = diagnose(bundle, seed=0)
    json.dumps(row)
    assert row == diagnose(bundle, seed=0)
    assert row["model"] == model.kind
    assert row["d"] == model.n_components
    assert 1 < row["effective_rank"] < row["d"]
    norms = [row[f"norm_{name}"] for name in ("min", "05", "25", "median", "75", "95", "max")]
    assert norms == sorted(norms)
    assert row["norm_max"] == np.linalg.norm(bundle.embedding.astype(float), axis=1).max()
    assert row["probe_n_cells"] == 700
    assert row["surrogate"] is False
    # Ten types; a good linear probe is several times above chance, none is perfect here.
    assert 0.5 < row["probe_accuracy"] < 0.95
    assert row["decoder_mean_correlation"] > 0.99
    assert row["decoder_share_clipped"] < 0.01
    measured = np.log1p(expression(bundle, source="measured"))
    decoded = np.log1p(expression(bundle))
    by_gene = [np.corrcoef(decoded[:, g], measured[:, g])[0, 1] for g in range(765)]
    assert np.isclose(row["decoder_gene_correlation"], np.median(by_gene), atol=1e-4)
