"""Figure S13 from invented sweeps over embeddings of two sizes."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from featurelens.figures.figure_S13 import draw as draw_figure_S13
from featurelens.figures.figure_S13 import mean_intervals, read_out_ceiling
from figure_inputs import baselines, structure, superposition, sweep
from figure_reading import panel, texts

GROUPS = ("Y", "X''", "X'", "X", "A", "B")
SELECT = {"architecture": "relu", "l1": 0.001, "learning_rate": 0.001, "expansion": 100}


def tables(sizes=(20, 150), seeds=(0, 1, 2)):
    """sweep_points.tsv and sweep_recovery.tsv of one sweep for each size, and of one on cells."""
    both = []
    for number, size in enumerate(sizes):
        points, recovery = sweep(seeds=seeds, source=f"hierarchical/ae{number}", groups=GROUPS)
        points, recovery = (
            table.assign(sweep=f"h{size}", id=f"{size}" + table["id"])
            for table in (points, recovery)
        )
        both.append((points.assign(d_in=size), recovery))
    cells, _ = sweep(source="cells/pca", groups=GROUPS)
    points = pd.concat([*(table for table, _ in both), cells.assign(sweep="cells")])
    recovery = pd.concat([table for _, table in both])
    beside = ["architecture", "expansion", "learning_rate", "l1", "k", "seed", "trained"]
    recovery = recovery.merge(points[["id", *beside]], on="id")
    return points, recovery.assign(null_best_correlation=recovery["best_correlation"] / 2)


def programs():
    """Coverage of four programs, one of them unmatched, at the percentiles of the structure."""
    coverage = [0.9, 0.6, 0.3, 0.0]
    return pd.DataFrame(
        [
            {"percentile": percentile, "program": program, "coverage": value}
            for percentile in structure()["percentile"]
            for program, value in enumerate(coverage)
        ]
    )


def draw(points, recovery, held=None, *, sweeps=("h20", "h150"), select=None):
    held = structure() if held is None else held
    return draw_figure_S13(
        points, recovery, held, programs(), baselines(), superposition(),
        sweeps=sweeps, select=select or SELECT,
    )  # fmt: skip


def test_intervals_are_those_of_student_over_seeds():
    points = pd.DataFrame({"x": [5] * 4 + [9, 9, 10], "seed": [0, 1, 2, 2, 0, 1, 0]})
    points["y"] = [1.0, 2.0, 5.0, 7.0, 0.2, 0.6, 4.0]
    three, two, one = mean_intervals(points, "x", "y").to_dict("records")
    # seeds 1, 2 and (5 + 7) / 2 = 6
    low, high = stats.t.interval(0.95, 2, loc=3, scale=stats.sem([1, 2, 6]))
    assert (three["mean"], three["n_seeds"]) == (3, 3)
    assert 2 * three["half"] == pytest.approx(high - low)
    assert (two["mean"], two["half"]) == pytest.approx((0.4, 0.2))
    assert (one["mean"], one["n_seeds"]) == (4, 1)
    assert np.isnan(one["half"])


def test_ceiling_is_the_correlation_of_a_convention_and_leaves_accuracies_out():
    table = pd.DataFrame(
        {
            "convention": ["corrected", "corrected", "published", "corrected"],
            "group": ["X", "X", "X", "A"],
            "correlation": [0.5, 0.9, 0.0, np.nan],
        }
    )
    ceiling = read_out_ceiling(table, convention="corrected")
    assert ceiling.to_dict() == pytest.approx({"X": 0.7})


def test_each_variable_shows_means_nulls_and_ceilings_of_both_embeddings():
    points, recovery = tables()
    axes = panel(draw(points, recovery), "X''")
    drawn = [np.asarray(line.get_ydata(), float) for line in axes.get_lines()]
    table = superposition()
    for size, number in ((20, 0), (150, 1)):
        mine = recovery[
            (recovery["sweep"] == f"h{size}")
            & (recovery["convention"] == "corrected")
            & (recovery["group"] == "X''")
            & (recovery["architecture"] == "relu")
            & (recovery["l1"] == 0.001)
            & (recovery["learning_rate"] == 0.001)
        ]
        mean = mine.groupby("expansion")["best_correlation"].mean().to_numpy()
        assert any(len(y) == 4 and y == pytest.approx(mean) for y in drawn)
        assert any(len(y) == 4 and y == pytest.approx(mean / 2) for y in drawn)
        own = table[
            (table["simulation"] == "hierarchical") & (table["autoencoder"] == f"ae{number}")
        ]
        level = read_out_ceiling(own, convention="corrected")["X''"]
        assert any(len(y) == 2 and y == pytest.approx([level] * 2) for y in drawn)


@pytest.mark.parametrize("select", [SELECT, SELECT | {"trained": "all"}])
def test_points_that_were_not_trained_stand_with_the_baselines_alone(select):
    points, recovery = tables()
    chosen = recovery["id"].str.startswith("150") & (recovery["expansion"] == 100)
    untrained = recovery[chosen].assign(
        id=lambda table: table["id"] + "u", trained="nothing", best_correlation=0.123
    )
    more = points[points["id"].str.startswith("150")].assign(id=lambda table: table["id"] + "u")
    figure = draw(pd.concat([points, more]), pd.concat([recovery, untrained]), select=select)
    last = panel(figure, "SAEs on 150 dimensions")
    marks = np.concatenate([np.asarray(part.get_offsets()) for part in last.collections])
    assert np.isclose(marks[:, 1], 0.123).sum() == len(GROUPS)
    above = [line.get_ydata() for line in panel(figure, "X''").get_lines()]
    assert not any(np.isclose(y, 0.123).any() for y in above)


def test_structure_has_a_box_a_percentile_both_means_and_both_nulls():
    axes = panel(draw(*tables()), "Coverage of a program's genes")
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}
    for column in ("coverage_covered", "coverage_all"):
        for name in (column, f"null_{column}", f"margin_{column}"):
            assert drawn[name] == pytest.approx(structure()[name])
    # the unmatched program is in no box: the median of 0.9, 0.6 and 0.3
    medians = [y for y in (line.get_ydata() for line in axes.get_lines()) if list(y) == [0.6, 0.6]]
    assert len(medians) == len(structure())


def test_a_null_that_was_not_drawn_is_left_out():
    held = structure()
    margin = [column for column in held if column.startswith("margin_")]
    figure = draw(*tables(), held.assign(**dict.fromkeys(margin, np.nan)))
    assert "null: density and genes" not in texts(figure)
    assert "null: density and genes" in texts(draw(*tables()))


def test_without_results_every_panel_says_so():
    points, recovery = tables()
    figure = draw_figure_S13(
        points.head(0), recovery.head(0), structure().head(0), programs().head(0),
        baselines().head(0), superposition().head(0), sweeps=(), select=SELECT,
    )  # fmt: skip
    assert texts(figure).count("not in this run") == 4
