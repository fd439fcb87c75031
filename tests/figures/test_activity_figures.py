"""Figures of how active features are: what they plot against pencil, pandas and numpy."""

import itertools

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.figures.figure_S15 import draw as draw_figure_S15
from featurelens.figures.figure_S16 import draw as draw_figure_S16
from featurelens.figures.figure_S17 import draw as draw_figure_S17
from featurelens.figures.figure_S18 import draw as draw_figure_S18
from featurelens.figures.parts.activation_maps import apart, block_means, typed_order
from featurelens.figures.parts.cell_types import active_features
from featurelens.figures.parts.feature_types import MEASURES, bins_of, types_of
from featurelens.tables import local_features
from figure_reading import panel, texts

NAME = "blood/nmf/topk"
TYPES = ("B", "NK", "T naive", "T old")


@pytest.fixture(scope="module")
def features():
    """120 cells of four types; features 0 to 3 of one type each, 4 of both T, 6 is dead."""
    rng = np.random.default_rng(0)
    kind = rng.permutation(np.repeat(np.arange(4), (60, 30, 20, 10)))
    dense = rng.random((120, 7)) * (rng.random((120, 7)) < 0.1)
    for feature in range(4):
        dense[kind == feature, feature] += 0.5 + rng.random((kind == feature).sum())
    dense[kind >= 2, 4] += 1
    dense[:, 6] = 0
    cells = AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(np.array(TYPES)[kind]), "batch": "all"},
            index=[f"c{n}" for n in range(120)],
        ),
        obsm={"X_emb": rng.normal(size=(120, 5)).astype(np.float32)},
    )
    return describe_features(sparse.csr_matrix(dense.astype(np.float32)), cells, FeatureConfig())


def test_types_and_features_stand_in_blocks():
    # Types 0 and 2 share features, 1 has its own; feature 3 is dead. In type 1: feature 2 alone.
    means = np.array([[4.0, 0.0, 3.0], [1.0, 0.0, 2.0], [0.0, 5.0, 0.0], [0.0, 0.0, 0.0]])
    types, columns = typed_order(means, np.array([True, True, True, False]))
    assert abs(list(types).index(0) - list(types).index(2)) == 1
    assert sorted(columns) == [0, 1, 2]
    place = {kind: at for at, kind in enumerate(types)}
    assert [place[means[column].argmax()] for column in columns] == [0, 1, 2]


def test_within_a_type_features_of_it_alone_come_first():
    means = np.array([[4.0, 4.0], [4.0, 0.0], [4.0, 1.0]])  # shares of type 0: 1/2, 1, 4/5
    assert list(typed_order(means, np.ones(3, dtype=bool))[1]) == [1, 2, 0]


def test_blocks_are_means_of_their_cells_and_features():
    rng = np.random.default_rng(1)
    dense = rng.random((13, 9)) * (rng.random((13, 9)) < 0.5)
    rows, columns = rng.permutation(13)[:12], rng.permutation(9)[:8]
    blocks = block_means(sparse.csr_matrix(dense), rows, columns, (4, 2))
    by_hand = dense[np.ix_(rows, columns)].reshape(4, 3, 2, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(blocks, by_hand)
    whole = block_means(sparse.csr_matrix(dense), rows, columns, (99, 99))
    np.testing.assert_array_equal(whole, dense[np.ix_(rows, columns)])


@pytest.mark.parametrize("count", [1, 5, 20])
def test_labels_are_apart_in_order_and_inside(count):
    places = np.sort(np.random.default_rng(2).random(count) ** 4)
    moved = apart(places, gap=0.04, low=0.0, high=1.0)
    assert (np.diff(moved) >= 0.04 - 1e-12).all()
    assert moved.min() >= 0
    assert moved.max() <= 1 + 1e-12


def test_figure_S15_shows_activations_and_relative_means(features):
    figure = draw_figure_S15(features, name=NAME)
    above, below = (axes.images[0].get_array() for axes in figure.axes[:2])
    assert above.shape == (120, 6)
    dense = pd.DataFrame(features.X.toarray()[:, :6])
    np.testing.assert_allclose(np.sort(above, axis=None), np.sort(dense.to_numpy(), axis=None))
    means = dense.groupby(features.obs["cell_type"].to_numpy(), observed=True).mean()
    relative = (means / means.max()).to_numpy()
    np.testing.assert_allclose(
        np.sort(below, axis=None), np.sort(relative, axis=None), rtol=1e-6, atol=1e-9
    )
    assert (below.max(axis=0) == 1).all()
    # Rows of A are cells of the types in the order of B.
    order = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    sizes = features.obs["cell_type"].value_counts()
    ends = np.cumsum([sizes[name] for name in order])
    for start, end, row in zip([0, *ends[:-1]], ends, below, strict=True):
        own = np.flatnonzero(row == 1)
        block = above[start:end].mean(axis=0)
        assert len(own)
        assert (block[own] > np.delete(above, np.s_[start:end], axis=0).mean(axis=0)[own]).all()
    assert "120 cells, 6 live features of 7" in texts(figure)


def test_figure_S16_counts_every_live_feature_once_in_each_panel(features):
    figure = draw_figure_S16(features, name=NAME)
    kinds = types_of(features.var, "published")
    assert len(kinds) == 6
    for axes, column in zip(figure.axes[:3], MEASURES, strict=True):
        filled = [patch for patch in axes.patches if patch.get_fill()]
        assert sum(patch.get_data().values.sum() for patch in filled) == 6
        values = features.var.loc[kinds.index, column]
        drawn = [kind for kind in ("global", "regional", "local") if (kinds == kind).any()]
        for patch, kind in zip(filled, drawn, strict=True):
            counts, edges, _ = patch.get_data()
            of_kind = values[kinds == kind]
            expected = [
                ((of_kind >= low) & ((of_kind < high) | (high == edges[-1]))).sum()
                for low, high in itertools.pairwise(edges)
            ]
            np.testing.assert_array_equal(counts, expected)
    for kind, count in kinds.value_counts().items():
        assert f"{kind} ({count})" in texts(figure)


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0], [1e-7, 3.0, 0.1]])
def test_bins_hold_all_values(values):
    edges = bins_of(values)
    assert (np.diff(edges) > 0).all()
    assert np.histogram(values, edges)[0].sum() == len(values)


def test_active_features_per_type_are_those_of_pandas(features):
    table = active_features(features)
    counts = pd.Series((features.X.toarray() > 1e-10).sum(axis=1))
    grouped = counts.groupby(features.obs["cell_type"].astype(str).to_numpy())
    for name, values in grouped:
        assert table.loc[name, "mean"] == pytest.approx(values.mean())
        assert table.loc[name, "sem"] == pytest.approx(values.std(ddof=1) / len(values) ** 0.5)
        quantiles = values.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
        assert table.loc[name, ["q05", "q25", "q50", "q75", "q95"]].tolist() == quantiles
    assert table["q50"].is_monotonic_decreasing
    figure = draw_figure_S18(features, name=NAME)
    assert f"mean over all cells, {counts.mean():.4g}" in texts(figure)
    assert "T old (10)" in texts(figure)


def test_activations_below_the_threshold_do_not_count(features):
    faint = features.copy()
    faint.X = sparse.csr_matrix(np.where(faint.X.toarray() > 0, 1e-12, 0))
    assert (active_features(faint)["mean"] == 0).all()


def test_figure_S17_has_the_numbers_of_the_table(features):
    table = local_features.tabulate({"other": features, NAME: features})
    figure = draw_figure_S17(table, name=NAME)
    own = table[table["sae"] == NAME]
    published = own[own["convention"] == "published"].set_index("cell_type")
    bars, scatter = figure.axes
    labels = [label.get_text() for label in bars.get_yticklabels()]
    assert [bar.get_width() for bar in bars.containers[0]] == [
        published.loc[name, "n_local"] for name in labels
    ]
    points = scatter.collections[0].get_offsets()
    assert sorted(map(tuple, points.tolist())) == sorted(
        map(tuple, published[["n_cells", "n_local"]].to_numpy(dtype=float).tolist())
    )
    assert "published rule: the same number in all" in texts(figure)  # each type has one
    uneven = table.assign(n_local=[3, 0, 5, 1] * 4)
    rho = pd.Series([60, 30, 20, 10]).rank().corr(pd.Series([3, 0, 5, 1]).rank())
    assert f"published rule: Spearman {rho:.2f}" in texts(draw_figure_S17(uneven, name=NAME))


def test_figures_of_an_sae_without_live_features_say_so(features):
    dead = features.copy()
    dead.var["n_active"] = 0
    for draw in (draw_figure_S15, draw_figure_S16):
        assert "no cell activates any feature" in texts(draw(dead, name=NAME))


def test_three_types_are_needed_for_a_correlation(features):
    two = features[features.obs["cell_type"].isin(["B", "NK"])].copy()
    table = local_features.tabulate({NAME: two})
    assert "three cell types" in texts(draw_figure_S17(table, name=NAME))
    assert panel(draw_figure_S17(table, name=NAME), NAME)
