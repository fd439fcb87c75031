"""Features beside those of other seeds, and the catalogue of them all."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse, stats

from featurelens.features.catalogue import catalogue
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.features.seeds import compare_seeds
from featurelens.io import InputError
from featurelens.tables import seed_stability

N_CELLS, N_DIMENSIONS, N_FEATURES = 300, 8, 40
CELLS = np.random.default_rng(9).normal(size=(N_CELLS, N_DIMENSIONS)).astype(np.float32)


def run(directions, dead=()):
    """Features that fire above a bound along their directions."""
    codes = np.maximum(CELLS @ directions.T - 0.8, 0)
    codes[:, list(dead)] = 0
    cells = AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(np.where(CELLS[:, 0] > 0, "a", "b"))},
            index=[f"cell{number}" for number in range(N_CELLS)],
        ),
        obsm={"X_emb": CELLS},
    )
    found = sparse.csr_matrix(codes.astype(np.float32))
    return describe_features(found, cells, FeatureConfig(n_shuffles=19), directions=directions)


def directions(seed):
    rows = np.random.default_rng(seed).normal(size=(N_FEATURES, N_DIMENSIONS))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_same_features_in_another_order_are_found_again():
    own = directions(0)
    order = np.random.default_rng(1).permutation(N_FEATURES)
    runs, stability = compare_seeds("one", run(own), {"other": run(own[order])})
    assert runs["run"].tolist() == ["one", "other"]
    row = runs.iloc[1]
    assert row[["correlation", "cosine", "same_type"]].tolist() == pytest.approx([1, 1, 1])
    np.testing.assert_allclose(stability["stability"], 1)
    assert row["correlation_random"] < 0.8
    assert row["cosine_random"] < 0.8
    assert row["n_matched"] == N_FEATURES
    assert runs["live"].tolist() == [N_FEATURES] * 2
    assert runs[["correlation", "cosine"]].iloc[0].isna().all()


def test_unrelated_features_are_as_alike_as_random_directions():
    runs, stability = compare_seeds("one", run(directions(0)), {"two": run(directions(1))})
    row = runs.iloc[1]
    assert row["correlation"] == pytest.approx(row["correlation_random"], abs=0.05)
    assert row["cosine"] == pytest.approx(row["cosine_random"], abs=0.05)
    assert stability["stability"].mean() == pytest.approx(row["correlation"])
    assert stability["stability_random"].mean() == pytest.approx(row["correlation_random"])


def test_correlations_of_pairs_are_pearsons():
    left, right = run(directions(0)), run(directions(0)[::-1])
    noisy = right.copy()
    noisy.X = sparse.csr_matrix(np.maximum(right.X.toarray() + 0.3 * CELLS[:, :1], 0))
    _, stability = compare_seeds("one", left, {"two": noisy})
    for feature in range(3):
        own = left.X[:, feature].toarray().ravel()
        partner = noisy.X[:, N_FEATURES - 1 - feature].toarray().ravel()
        assert stability["stability"].iloc[feature] == pytest.approx(
            stats.pearsonr(own, partner).statistic, abs=1e-6
        )


def test_runs_of_unequal_size_are_matched_as_far_as_they_go():
    runs, stability = compare_seeds("one", run(directions(0)), {"two": run(directions(1)[:30])})
    assert runs["n_matched"].iloc[1] == 30
    assert np.isfinite(runs.iloc[1].drop("run").astype(float)).all()
    assert stability["stability"].notna().sum() == 30


def test_dead_features_have_no_partner():
    runs, stability = compare_seeds(
        "one", run(directions(0), dead=[3]), {"two": run(directions(0), dead=[3, 4])}
    )
    assert runs["dead"].tolist() == [1, 2]
    assert runs["n_matched"].iloc[1] == N_FEATURES - 2
    assert np.flatnonzero(stability["stability"].isna()).tolist() == [3, 4]


def test_other_cells_are_refused():
    other = run(directions(1))
    other.obs_names = [f"another{number}" for number in range(N_CELLS)]
    with pytest.raises(InputError, match="another0"):
        compare_seeds("one", run(directions(0)), {"two": other})


def test_every_feature_is_in_the_catalogue_and_says_what_it_lacks():
    features = run(directions(0), dead=[3])
    runs, stability = compare_seeds("one", features, {})
    table = catalogue(features.var, stability, min_cells=60).set_index("feature")
    assert len(table) == N_FEATURES
    assert table.loc["3", "why_not_tested"] == "not tested: no cell activates it, 60 are needed"
    assert not table.loc["3", "is_live"]
    assert table["stability"].isna().all()
    rare = table.index[(table["n_active"] < 60) & table["is_live"]]
    assert len(rare) > 0
    n_active = int((features.X[:, int(rare[0])].toarray() > 0).sum())
    assert table.loc[rare[0], "why_not_tested"] == (
        f"not tested: {n_active} cells activate it, 60 are needed"
    )
    assert (table.loc[table["n_active"] >= 60, "why_not_tested"] == "").all()
    assert len(runs) == 1


def test_the_table_has_means_over_the_other_seeds():
    """This one itself has none; .5 and .7 of the others make .6."""
    table = pd.DataFrame({"run": list("abc")})
    for name in (*seed_stability.MATCHED, *seed_stability.CHANCE):
        table[name] = [np.nan, 0.5, 0.7]
    made = seed_stability.tabulate({"d/m/s": table})
    assert made["n_seeds"].tolist() == [3]
    assert made["correlation"].tolist() == pytest.approx([0.6])
    assert made["same_type_chance"].tolist() == pytest.approx([0.6])
