"""An SAE is trained on rows in unit scale and takes rows as they are."""

from dataclasses import replace

import numpy as np
import pytest

from featurelens.sae import model
from featurelens.sae.config import SAEConfig, for_embedding
from featurelens.sae.model import SAE
from featurelens.sae.normalisation import Normalisation
from featurelens.sae.single import train_one
from featurelens.sae.training import train

CONFIG = SAEConfig(
    architecture="topk", expansion=4, k=20, learning_rate=1e-2, epochs=20, normalise="scale"
)


def blobs(offset=0.0):
    """Four groups of rows in four dimensions, (200, 4) float32."""
    rng = np.random.default_rng(0)
    groups = 3 * np.eye(4)[np.arange(200) % 4]
    return (groups + rng.normal(0, 0.3, (200, 4)) + offset).astype(np.float32)


def test_mean_and_spread_by_hand():
    """Mean (2, 5); deviations ±1 and ±7: s² = (2 · 1 + 2 · 49) / 4 = 25."""
    X = np.array([[1.0, -2.0], [3.0, 12.0]], dtype=np.float32)
    found = Normalisation.of(X)
    assert found.mean.tolist() == [2, 5]
    assert found.scale == 5
    np.testing.assert_allclose(found.apply(X), [[-0.2, -1.4], [0.2, 1.4]], rtol=1e-6)


def test_rows_that_do_not_vary_are_only_moved():
    X = np.full((3, 2), 7, dtype=np.float32)
    assert Normalisation.of(X).apply(X).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize("form", [{}, {"k": 1}, {"threshold": np.array([0.5, 0.1])}])
def test_the_folded_sae_does_to_rows_what_it_did_to_normalised_ones(form):
    """One dimension, μ = 3 and s = 2: x = 7 was 2, whose code is 2 · 1 - 1 = 1 (and 0)."""
    sae = SAE(
        "any",
        W_enc=np.array([[1.0, -1.0]]),
        b_enc=np.array([-1.0, 0.5]),
        W_dec=np.array([[0.5], [3.0]]),
        b_dec=np.array([0.25]),
        **form,
    )
    raw = Normalisation(np.array([3.0]), 2.0).undo(sae)
    assert raw.encode(np.array([[7.0]])).tolist() == [[1, 0]]
    assert raw.decode(np.array([[1.0, 0.0]])).tolist() == [[2 * 0.75 + 3]]
    assert raw.W_enc.tolist() == [[0.5, -0.5]]
    assert raw.b_enc.tolist() == [-1 - 3 / 2, 0.5 + 3 / 2]


@pytest.mark.parametrize("factor", [2.0**-13, 2.0**13])
def test_a_power_of_two_changes_no_byte_of_the_codes(factor):
    """Such a factor rounds nothing, so all that may differ is what depends on the unit."""
    X = blobs()
    [one], [other] = train(X, [CONFIG]), train(X * np.float32(factor), [CONFIG])
    assert (one.sae.encode(X) == other.sae.encode(X * np.float32(factor))).all()
    assert (one.sae.W_dec * np.float32(factor) == other.sae.W_dec).all()


def test_an_embedding_far_from_zero_keeps_its_features():
    """Untouched, its mean outweighs what varies: features fire in all rows or in none."""
    X = blobs(offset=100)
    [moved], [raw] = train(X, [CONFIG]), train(X, [replace(CONFIG, normalise="none")])
    [here] = train(blobs(), [CONFIG])
    assert moved.row["n_live"] == here.row["n_live"] > raw.row["n_live"]
    assert moved.row["explained_variance"] > 0.9


def test_it_is_recorded_and_the_file_takes_raw_rows(tmp_path):
    X = 1e-3 * blobs()
    found = train_one(X, CONFIG, source="here")
    found.write(tmp_path)
    scale = X.astype(np.float64).std(axis=0)
    wanted = np.sqrt(np.mean(scale**2))
    assert found.row["normalise"] == "scale"
    assert found.row["input_scale"] == pytest.approx(wanted)
    read = model.load(tmp_path)
    assert read.metadata["input_scale"] == found.row["input_scale"]
    np.testing.assert_allclose(read.metadata["input_mean"], X.mean(axis=0), rtol=1e-4)
    assert (read.encode(X) == found.sae.encode(X)).all()
    assert found.row["explained_variance"] > 0.9


def test_points_that_differ_in_it_are_trained_apart():
    X = 10 * blobs()
    together = train(X, [CONFIG, replace(CONFIG, normalise="none")])
    for config, found in zip([CONFIG, replace(CONFIG, normalise="none")], together, strict=True):
        [alone] = train(X, [config])
        assert (alone.sae.W_enc == found.sae.W_enc).all()


@pytest.mark.parametrize(
    ("asked", "is_given", "wanted"),
    [("auto", True, "scale"), ("auto", False, "none"), ("none", True, "none")],
)
def test_auto_is_for_embeddings_that_somebody_brings(asked, is_given, wanted):
    config = replace(CONFIG, normalise=asked)
    assert for_embedding(config, is_given=is_given).normalise == wanted
    [left], [none] = (train(blobs(), [replace(CONFIG, normalise=how)]) for how in ("auto", "none"))
    assert (left.sae.W_enc == none.sae.W_enc).all()
