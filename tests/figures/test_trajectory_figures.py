"""Figures of features that follow a trajectory: what they plot against their table and numpy."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.figures.figure_S19 import draw as draw_figure_S19
from featurelens.figures.figure_S19 import ordered_cells
from featurelens.figures.figure_S20 import draw as draw_figure_S20
from featurelens.figures.figure_S20 import steered_places
from featurelens.tables import feature_selection
from figure_reading import texts

NAME = "marrow/dgd/s"
STAGES = ["stem", "early", "late"]
TRAJECTORY = {"name": "blood", "stages": STAGES, "contrast": []}


@pytest.fixture(scope="module")
def features():
    """Twenty features, of which 0 and 5 rise from stem to late; B is no stage."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["late", "B", "stem", "early"], (30, 40, 20, 25))
    dense = (rng.random((115, 20)) < 0.3) * rng.random((115, 20)) * 0.1
    for feature, height in ((0, 2.0), (5, 1.0)):
        dense[labels == "early", feature] = height / 2
        dense[labels == "late", feature] = height
        dense[(labels == "stem") | (labels == "B"), feature] = 0
    cells = AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(labels), "batch": "all"},
            index=[f"c{n}" for n in range(115)],
        ),
        obsm={"X_emb": rng.normal(size=(115, 6)).astype(np.float32)},
    )
    return describe_features(
        sparse.csr_matrix(dense.astype(np.float32)),
        cells,
        FeatureConfig(),
        directions=rng.normal(size=(20, 6)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def tables(features):
    trajectory = {"stages": STAGES, "contrast": []}
    return feature_selection.tabulate(
        {NAME: features, "marrow/other/s": features},
        trajectories={"marrow": {"blood": trajectory, "again": trajectory}},
        most=50,
    )


def test_cells_stand_by_stage_then_by_the_name_of_their_type(features):
    order, names, sizes = ordered_cells(features, STAGES)
    assert names.tolist() == ["stem", "early", "late", "B"]
    assert sizes.tolist() == [20, 25, 30, 40]
    labels = features.obs["cell_type"].astype(str).to_numpy()[order]
    assert labels.tolist() == ["stem"] * 20 + ["early"] * 25 + ["late"] * 30 + ["B"] * 40


def test_figure_S19_shows_the_candidates_in_all_cells(features, tables):
    counts, candidates = tables
    figure = draw_figure_S19(features, counts, candidates, name=NAME, trajectory=TRAJECTORY)
    axes = figure.axes[0]
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert {"0", "5"} <= set(shown)
    order, *_ = ordered_cells(features, STAGES)
    np.testing.assert_allclose(
        axes.images[0].get_array(), features[:, shown].X.toarray()[order], rtol=1e-6
    )
    passed = counts[(counts["sae"] == NAME) & (counts["trajectory"] == "blood")].iloc[-1]
    assert len(shown) == passed["n_features"]
    assert f"{len(shown)} of the {len(shown)} features" in texts(figure)
    assert f"{passed['n_by_chance']:.3g} pass all three where" in texts(figure)


def test_steered_cells_lie_where_the_linear_decoder_puts_them(features):
    rows = np.flatnonzero(features.obs["cell_type"] == "stem")
    moved, places = steered_places(features, "3", 0.7, rows)
    codes = features.X[rows].toarray().astype(float)
    changed = codes.copy()
    changed[:, 3] = 0.7
    directions = features.varm["directions"].astype(float)
    by_decoding = features.obsm["X_emb"][rows] + changed @ directions - codes @ directions
    np.testing.assert_allclose(moved, by_decoding, rtol=1e-5)
    pca = features.uns["pca"]
    np.testing.assert_allclose(places, (by_decoding - pca["mean"]) @ pca["axes"].T, atol=1e-5)


def test_figure_S20_moves_cells_as_far_as_its_titles_say(features, tables):
    _, candidates = tables
    figure = draw_figure_S20(features, candidates, name=NAME, trajectory=TRAJECTORY, most=2)
    own = candidates[(candidates["sae"] == NAME) & (candidates["trajectory"] == "blood")].head(2)
    labels = features.obs["cell_type"].astype(str).to_numpy()
    embedding = features.obsm["X_emb"].astype(float)
    way = embedding[labels == "late"].mean(axis=0) - embedding[labels == "stem"].mean(axis=0)
    rows = np.flatnonzero(labels == "stem")
    for axes, row in zip(figure.axes[:2], own.to_dict("records"), strict=True):
        moved, places = steered_places(features, str(row["feature"]), row["mean_end"], rows)
        share = (moved - embedding[rows]).mean(axis=0) @ way / (way @ way)
        assert share == pytest.approx(row["displacement"], rel=1e-4)
        title = f"{row['rank']}. feature {row['feature']}\n{round(100 * share, 1):g} % of the way"
        assert axes.get_title() == title
        np.testing.assert_allclose(axes.collections[-1].get_offsets(), places)
    assert "stem (20 cells)" in texts(figure)


def test_without_candidates_both_say_so(features, tables):
    counts, candidates = tables
    other = TRAJECTORY | {"name": "none"}
    for figure in (
        draw_figure_S19(features, counts, candidates, name=NAME, trajectory=other),
        draw_figure_S20(features, candidates, name=NAME, trajectory=other, most=16),
    ):
        assert "no feature follows the trajectory" in texts(figure)


def test_where_no_feature_passes_the_title_says_what_stands_in_their_place(features):
    backwards = {"stages": ["late", "early", "stem"], "contrast": []}
    counts, candidates = feature_selection.tabulate(
        {NAME: features}, trajectories={"marrow": {"blood": backwards}}, most=5
    )
    counts = counts.assign(n_features=0)
    candidates = candidates.assign(rule="is live, as none passes the filters")
    figure = draw_figure_S19(features, counts, candidates, name=NAME, trajectory=TRAJECTORY)
    assert f"{len(candidates)} features, each of which is live, as none passes" in texts(figure)
