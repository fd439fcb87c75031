"""What is said of how an SAE did, on counts made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from featurelens.io import read_json
from featurelens.means import Means
from featurelens.sae.config import SAEConfig
from featurelens.sae.health import Health
from featurelens.sae.metrics import evaluate
from featurelens.sae.model import SAE
from featurelens.sae.single import train_one
from featurelens.tables import saes

TOPK = SAEConfig(architecture="topk", expansion=2, k=25, normalise="scale")
RELU = replace(TOPK, architecture="relu")


def health(n_active, n_rows=10):
    """Of features that are active in so many of ten rows."""
    n_active = np.asarray(n_active)
    return Health(
        explained_variance=0.75,
        n_features=len(n_active),
        n_live=int((n_active > 0).sum()),
        n_everywhere=int((n_active >= 0.9 * n_rows).sum()),
        features_per_cell=n_active.sum() / n_rows,
    )


def test_counts_of_an_sae_that_is_the_identity_on_one_of_three_directions():
    """Rows ±e₁ and 0·e₂: feature 0 reads e₁, 1 its opposite, 2 always fires, 3 never."""
    sae = SAE(
        "relu",
        W_enc=np.array([[1.0, -1.0, 0, 0], [0, 0, 0, 0]]),
        b_enc=np.array([0.0, 0.0, 1.0, -1.0]),
        W_dec=np.array([[1.0, 0], [-1.0, 0], [0, 0], [5.0, 5.0]]),
        b_dec=np.zeros(2),
    )
    X = np.array([[1.0, 0], [-1.0, 0], [2.0, 0], [-2.0, 0]])
    found = Health.of(evaluate(sae, X))
    # Two rows use feature 0, two feature 1, all feature 2: 8 / 4 = 2 features a row.
    assert found == Health(
        explained_variance=1.0, n_features=4, n_live=3, n_everywhere=1, features_per_cell=2.0
    )
    assert found.share_dead == 0.25
    assert found.share_everywhere == pytest.approx(1 / 3)
    assert found.warnings(TOPK) == []


def test_most_features_dead():
    found = health([0, 0, 0, 4, 5])
    [line, warning] = found.lines(TOPK)
    assert line == (
        "SAE: explains 75.0% of the variance with 0.9 features per cell; 2 of 5 features are live, "
        "60.0% dead, 0 active in at least 90% of cells"
    )
    assert warning.startswith("ATTENTION: 3 of 5 features (60%) are dead")
    assert "lower expansion" in warning
    assert "a higher k" in warning
    assert "a lower l1" in found.warnings(RELU)[0]
    assert "normalise: scale" in found.warnings(replace(TOPK, normalise="none"))[0]
    assert "the embedding that the SAE was trained on?" in found.warnings()[0]


def test_most_features_everywhere():
    found = health([9, 10, 3, 0])
    [warning] = found.warnings(RELU)
    assert warning.startswith("2 of 3 live features (67%) are active in at least 90% of cells")
    assert "a higher l1" in warning
    assert "a lower k" in found.warnings(TOPK)[0]


def test_half_is_not_most():
    assert health([0, 0, 1, 1]).warnings(TOPK) == []
    assert health([10, 1]).warnings(TOPK) == []


def test_an_sae_without_a_live_feature_is_dead_and_nowhere():
    found = health([0, 0])
    assert found.share_everywhere == 0
    assert len(found.warnings(TOPK)) == 1


def test_it_is_said_where_an_sae_is_trained_and_in_the_table(tmp_path):
    X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    config = replace(TOPK, epochs=2)
    said = []
    one = train_one(X, config, source="toy", means=Means(log=said.append))
    assert one.health.lines(config) == said[-len(one.health.lines(config)) :]
    one.write(tmp_path)
    table = saes.tabulate({"a/b/c": read_json(tmp_path / "train.json")})
    [row] = table.to_dict("records")
    n_active = (one.sae.encode(X) > 0).sum(axis=0)
    assert row["sae"] == "a/b/c"
    assert row["n_features"] == 6
    assert row["n_live"] == (n_active > 0).sum()
    assert row["features_per_cell"] == pytest.approx(n_active.sum() / 100)
    assert row["input_scale"] == pytest.approx(np.sqrt(X.var(axis=0).mean()))
    assert row["attention"] == "; ".join(one.health.warnings(config))
