"""Figures hold the marks that their tables ask for; their bytes do not change from save to save."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from featurelens.figures.figure_1 import draw as draw_figure_1
from featurelens.figures.figure_2 import draw as draw_figure_2
from featurelens.figures.figure_2 import share_of_step
from featurelens.figures.figure_3 import draw as draw_figure_3
from featurelens.figures.figure_controls import LABELS
from featurelens.figures.figure_controls import draw as draw_figure_controls
from featurelens.figures.figure_S4 import draw as draw_figure_S4
from featurelens.figures.figure_S4 import drawn_points, rate_factor
from featurelens.figures.parts.curves import seed_means, whole_decades
from featurelens.figures.parts.palette import (
    VARIABLE_COLOURS,
    distinct_colours,
    perceptual_distance,
)
from featurelens.figures.parts.style import families, point_size, save
from featurelens.figures.parts.sweep_panels import Metric, fitted, nearest, sweep_table
from featurelens.plugins import load
from figure_inputs import (
    ceiling,
    concepts,
    controls,
    features,
    selected,
    superposition,
    sweep,
    trajectories,
)
from figure_reading import panel, scatter_points, texts


def test_variable_colours_are_those_of_the_paper():
    assert VARIABLE_COLOURS == {
        "Y": "#b14c8d", "X''": "#0044ad", "X'": "#5176e8",
        "X": "#82A0FD", "A": "#417a78", "B": "#c5a862",
    }  # fmt: skip


@pytest.mark.parametrize("count", [1, 12, 13, 23, 40])
def test_colours_never_repeat_and_stay_apart_for_the_colour_blind(count):
    colours = distinct_colours(count)
    assert len(set(colours)) == count
    rgb = np.array([to_rgb(colour) for colour in colours])
    distances = perceptual_distance(rgb, rgb)[np.triu_indices(count, 1)]
    # a just noticeable difference is about 0.02 in Oklab; the paper's Figure 3 has 23 classes
    assert distances.size == 0 or distances.min() > (0.09 if count <= 12 else 0.05)


@pytest.mark.parametrize("count", [4, 6, 9])
def test_a_few_colours_lie_well_apart(count):
    rgb = np.array([to_rgb(colour) for colour in distinct_colours(count)])
    assert perceptual_distance(rgb, rgb)[np.triu_indices(count, 1)].min() > 0.12


def test_more_categories_do_not_recolour_the_first():
    assert distinct_colours(30)[:15] == distinct_colours(15)


def test_letters_that_the_own_font_lacks_are_looked_for_in_others():
    assert families(["Comic Sans MS", "DejaVu Sans"]) == ["DejaVu Sans"]
    assert families(["PingFang SC", "Noto Sans CJK JP"]) == [
        *("DejaVu Sans", "Noto Sans CJK JP", "PingFang SC"),
    ]


def test_perceptual_distance_of_black_and_white_is_one():
    # Oklab lightness of white is 1, of black 0; both are grey in any vision
    distance = perceptual_distance(np.zeros((1, 3)), np.ones((1, 3)))
    assert distance[0, 0] == pytest.approx(1, abs=1e-3)


def test_point_size_shrinks_with_the_number_of_cells():
    assert point_size(1) > point_size(1_000) > point_size(60_000) > 0


def test_saved_bytes_are_the_same_twice(tmp_path):
    for name in ("first", "second"):
        figure = draw_figure_3({"pca": concepts()}, probes=["HLA"])
        save(figure, tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
    for suffix in ("pdf", "png"):
        first = (tmp_path / f"first.{suffix}").read_bytes()
        assert first == (tmp_path / f"second.{suffix}").read_bytes()
        assert len(first) > 10_000
    assert b"CreationDate" not in (tmp_path / "first.pdf").read_bytes()


def test_drawing_leaves_settings_and_pyplot_alone():
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    draw_figure_1(superposition(), ceiling())
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_figure_2_draws_every_cell_and_the_highest_last():
    cells = features()
    figure = draw_figure_2(cells, trajectories(cells), selected())
    axes = panel(figure, "Global feature 0")
    assert len(scatter_points(axes)) == cells.n_obs
    colours = axes.collections[-1].get_array()
    assert (np.diff(colours) >= 0).all()
    assert colours[-1] == pytest.approx(cells.X[:, 0].max())


def test_figure_2_calls_a_feature_what_the_table_calls_it():
    cells = features()
    cells.var.loc["0", ["type", "top_cell_type"]] = ["regional", np.nan]
    figure = draw_figure_2(cells, trajectories(cells), selected())
    assert panel(figure, "Regional feature 0").get_title().endswith("no main type")


def test_figure_2_of_two_features_shows_the_sum_of_their_activations():
    cells = features()
    moved, chosen = trajectories(cells), selected()
    chosen.loc[0, "feature"] = moved.obs["feature"] = "0+1"
    axes = panel(draw_figure_2(cells, moved, chosen), "Features 0 and 1")
    total = np.asarray(cells.X[:, :2].sum(axis=1)).ravel()
    assert axes.collections[-1].get_array()[-1] == pytest.approx(total.max())


def test_figure_2_steers_from_origin_to_target():
    cells = features()
    moved = trajectories(cells)
    figure = draw_figure_2(cells, moved, selected())
    axes = panel(figure, "CD4+/CD25 T Reg towards CD14+ Monocyte")
    # others, target, normal, steered
    counts = [len(part.get_offsets()) for part in axes.collections]
    n_target = (cells.obs["cell_type"] == "CD14+ Monocyte").sum()
    n_origin = (cells.obs["cell_type"] == "CD4+/CD25 T Reg").sum()
    assert counts == [cells.n_obs - n_target, n_target, n_origin, n_origin]
    steered = np.asarray(axes.collections[3].get_offsets())
    normal = np.asarray(axes.collections[2].get_offsets())
    assert steered - normal == pytest.approx(np.tile([1.0, 0.5], (n_origin, 1)), abs=1e-5)


def test_share_of_step_is_one_for_cells_moved_onto_the_target():
    cells = features()
    moved = trajectories(cells)
    step = cells.obsm["X_emb"][cells.obs["cell_type"] == "CD14+ Monocyte"].mean(
        axis=0
    ) - cells.obsm["X_emb"][cells.obs["cell_type"] == "CD4+/CD25 T Reg"].mean(axis=0)
    normal = (moved.obs["condition"] == "normal").to_numpy()
    for share in (1.0, 0.25, -0.5):
        moved.obsm["X_emb"][~normal] = moved.obsm["X_emb"][normal] + share * step
        found = share_of_step(cells, moved, "CD4+/CD25 T Reg", "CD14+ Monocyte")
        assert found == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(
    ("role", "remark"),
    [("global", "no further local feature"), ("local", "no global feature was selected")],
)
def test_figure_2_with_few_features_says_what_is_missing(role, remark):
    cells = features()
    chosen = selected().query("role == @role").head(1)
    assert remark in texts(draw_figure_2(cells, trajectories(cells), chosen))


def test_figure_2_says_when_the_selected_feature_was_not_steered():
    cells = features()
    moved = trajectories(cells)
    moved.obs["feature"] = "39"
    assert "no cell was steered" in texts(draw_figure_2(cells, moved, selected()))


def test_seed_means_average_settings_before_seeds():
    points = pd.DataFrame({"d": [8] * 5, "seed": [0, 0, 0, 1, 1], "loss": [1, 2, 3, 6, np.nan]})
    row = seed_means(points, "d", "loss").iloc[0]
    # seed 0: (1 + 2 + 3) / 3 = 2; seed 1: 6; mean 4, although the mean of all values is 3
    assert row[["x", "mean", "low", "high", "n_seeds"]].tolist() == [8, 4, 2, 6, 2]


def test_whole_decades_hold_all_values():
    assert whole_decades([0.002, 3.0, np.nan, 0.0]) == pytest.approx((1e-3, 10.0))
    assert whole_decades([]) == (0.1, 10.0)


def test_figure_S4_leaves_out_failed_points_and_the_smallest_k():
    points, _ = sweep()
    points.loc[0, "status"] = "failed"
    points.loc[points["architecture"] == "topk", "k"] = [1.0, 5.0] * 24
    kept = drawn_points(points)
    assert len(kept) == 144 - 1 - 24
    assert "p0000" not in set(kept["id"])


def test_figure_S4_learning_rates_are_shown_at_the_factor_nearest_to_the_papers():
    points, _ = sweep(factors=(2, 40, 1000))
    assert rate_factor(points) == 40
    only = points["expansion"] == 40
    points.loc[only, "learning_rate"] = 0.001
    assert rate_factor(points) == 2
    assert rate_factor(points[only]) is None


def test_figure_S4_draws_the_mean_loss_of_each_width():
    points, recovery = sweep()
    figure = draw_figure_S4(points, recovery)
    lines = panel(figure, "Loss by hidden size").get_lines()
    vanilla = points[(points["architecture"] == "vanilla") & (points["d_sae"] == 8)]
    drawn = [line.get_ydata()[0] for line in lines if len(line.get_ydata()) == 4]
    assert np.isclose(drawn, vanilla["loss"].mean()).any()


def test_figure_S4_of_a_thin_or_empty_sweep_says_what_is_missing():
    points, recovery = sweep(seeds=(0,), factors=(2,))
    thin = points[points["learning_rate"] == 1e-3]
    assert "only one learning rate" in texts(draw_figure_S4(thin, recovery))
    empty = texts(draw_figure_S4(points.head(0), recovery.head(0)))
    assert "no finished SAE" in empty
    assert "no correlation with X" in empty


def test_sweep_table_by_hand():
    points = pd.DataFrame(
        {
            "id": ["a", "b", "c"], "status": ["ok", "failed", "ok"], "architecture": "relu",
            "expansion": 2.0, "l1": 0.1, "k": 10.0, "learning_rate": 1e-3, "seed": [0, 1, 0],
            "trained": ["all", "all", "nothing"], "d_sae": 8, "loss": [0.5, np.nan, 0.9],
            "n_live": [6, np.nan, 8],
        }
    )  # fmt: skip
    recovery = pd.DataFrame(
        {
            "id": ["a"] * 4, "convention": ["published", "published", "corrected", "corrected"],
            "group": ["X", "A", "X", "A"], "best_correlation": [0.9, -0.8, 0.7, 0.6],
            "n_per_variable": [1.5, 0.0, 2.0, 3.0], "mean_active": [2.5] * 4,
        }
    )  # fmt: skip
    [row] = sweep_table(points, recovery, convention="published").to_dict("records")
    assert (row["share_live"], row["share_dead"]) == (0.75, 0.25)
    assert (row["best_X"], row["best_A"], row["n_X"], row["n_A"]) == (0.9, -0.8, 1.5, 0.0)
    assert row["mean_active"] == 2.5
    assert sweep_table(points, recovery)["best_A"].tolist() == [0.6]


def test_the_papers_rate_or_the_nearest_on_a_log_scale():
    assert nearest(pd.Series([1e-2, 1e-3]), 1e-4) == 1e-3
    assert nearest(pd.Series([3e-5, 3e-4]), 1e-4) == 3e-4  # 0.48 decades against 0.52
    assert nearest(pd.Series([20.0, 100.0, 200.0]), 100.0) == 100.0


def test_fixed_limits_grow_with_the_data():
    metric = Metric("best_X", "", limits=(0.5, 1.0))
    inside = fitted(metric, pd.DataFrame({"best_X": [0.6, np.nan]}))
    assert inside.limits == (0.5, 1.0)
    low, high = fitted(metric, pd.DataFrame({"best_X": [-0.2, 0.7]})).limits
    assert low < -0.2
    assert high == 1.0


SWEEP_FIGURES = tuple(f"S{number}" for number in range(5, 13))


def draw_number(number, points, recovery):
    """Draw a figure of the small sweep by its number."""
    return load("featurelens.figures", f"figure_{number}").draw(points, recovery)


@pytest.fixture(scope="module")
def sweep_figures():
    return {number: draw_number(number, *sweep()) for number in SWEEP_FIGURES}


def line(axes, colour):
    """Data of the line of one colour, without the interval's edges."""
    [found] = [part for part in axes.lines if to_rgb(part.get_color()) == to_rgb(colour)]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata())


def test_figures_of_the_sweep_draw_means_by_their_hyperparameters(sweep_figures):
    points, recovery = sweep()
    topk = points[(points["architecture"] == "topk") & (points["learning_rate"] == 1e-4)]
    expected = topk.groupby("d_sae")["loss"].mean()
    x, y = line(sweep_figures["S7"].axes[0], "darkorange")
    np.testing.assert_allclose(x, expected.index)
    np.testing.assert_allclose(y, expected)
    ids = topk.loc[(topk["k"] == 20.0) & (topk["d_sae"] == 80), "id"]
    chosen = recovery[recovery["id"].isin(ids) & (recovery["convention"] == "corrected")]
    b = chosen.loc[chosen["group"] == "B", "best_correlation"]
    drawn = [
        (x, y)
        for part in sweep_figures["S11"].axes[5].collections
        for x, y in np.asarray(part.get_offsets())
    ]
    for value in b:
        assert any(x == 2 and y == pytest.approx(value) for x, y in drawn)


@pytest.mark.parametrize("number", SWEEP_FIGURES)
def test_every_panel_of_the_sweep_figures_is_named_and_full(sweep_figures, number):
    figure = sweep_figures[number]
    words = texts(figure)
    assert "not in this run" not in words
    for name in ("Vanilla", "ReLU", "TopK"):
        assert name in words
    for axes in figure.axes[: len(figure.axes) - (number in ("S9", "S10"))]:
        assert axes.lines or axes.collections


def test_a_sweep_of_one_architecture_says_what_is_missing():
    points, recovery = sweep(seeds=(0,))
    relu = points[points["architecture"] == "relu"]
    recovered = recovery[recovery["id"].isin(relu["id"])]
    for figure in (draw_number(number, relu, recovered) for number in SWEEP_FIGURES):
        assert "no such point" in texts(figure)


def marks(axes):
    """Places of the filled and of the open points, (n, 2) each."""
    lines = [line for line in axes.get_lines() if line.get_marker() == "o"]
    open_ = [line.get_markerfacecolor() == "white" for line in lines]
    places = np.array([line.get_xydata()[0] for line in lines])
    return places[~np.array(open_)], places[np.array(open_)]


def test_figure_of_controls_draws_every_source_under_both_conventions():
    table = controls()
    figure = draw_figure_controls(table)
    filled, open_ = marks(panel(figure, "Share annotated"))
    for places, kept in ((filled, "kept_fdr"), (open_, "kept_published_figures")):
        expected = table.loc[table["filter"] == kept, "share"]
        assert sorted(places[:, 0]) == pytest.approx(sorted(expected))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == list(LABELS.values())
    # Three seeds on the SAE's line, one mark for each control.
    assert (np.round(filled[:, 1]) == 0).sum() == 3
    agreement, _ = marks(panel(figure, "Agreement"))
    assert agreement[:, 0] == pytest.approx([0.6] * 3 + [0.3] * 7)
    alone, _ = marks(panel(draw_figure_controls(controls(repeats=False)), "Agreement"))
    assert alone[:, 0] == pytest.approx([0.3] * 7)


def test_figure_of_controls_shows_the_first_embedding_and_sae_alone():
    table = controls()
    relu = table[:9].assign(sae="relu", family="relu")
    more = pd.concat([table, table.assign(embedding="cells/other"), relu])
    alone, among = (panel(draw_figure_controls(each), "Share") for each in (table, more))
    assert len(marks(among)[0]) == len(marks(alone)[0])


def test_figure_of_controls_without_controls_says_so():
    assert texts(draw_figure_controls(controls().head(0))).count("not in this run") == 4
