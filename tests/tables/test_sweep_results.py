"""Tables of sweeps: every number is counted by hand or by scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from featurelens.tables import selected_points, sweep_points, sweep_recovery, table_S4
from featurelens.tables.table_S5 import best_correlations
from figure_inputs import baselines, sweep


def test_sweep_grid_lists_runs_and_values():
    points, _ = sweep(seeds=(0, 1), factors=(2, 100))
    points.loc[points.index[0], "status"] = "failed"
    grid = table_S4.tabulate({"small": points}).set_index("architecture")
    # 2 factors x 2 learning rates x 3 penalties x 2 seeds
    assert grid["n_runs"].tolist() == [24, 24, 24]
    assert grid["n_failed"].tolist() == [1, 0, 0]
    assert grid.loc["vanilla", "learning_rate"] == "0.0001, 0.001"
    assert grid.loc["vanilla", "d_sae"] == "8, 400"
    assert grid.index.tolist() == ["vanilla", "relu", "topk"]
    assert grid.loc["vanilla", "l1"] == "0.0001, 0.001, 0.01"
    assert grid.loc["topk", "k"] == "5, 20, 50"
    assert (grid.loc["topk", "l1"], grid.loc["vanilla", "k"]) == ("", "")


def test_sweep_points_add_shares_and_drop_failures():
    points, _ = sweep()
    points.loc[0, "status"] = "failed"
    table = sweep_points.tabulate({"small": points})
    assert len(table) == len(points) - 1
    assert "convention" not in table
    row = table[table["d_sae"] == 8].iloc[0]
    assert row["share_live"] == pytest.approx(6 / 8)
    assert row["share_active"] == pytest.approx(3 / 8)


def test_sweep_recovery_puts_hyperparameters_beside_the_measure():
    points, recovery = sweep()
    table = sweep_recovery.tabulate({"small": points}, {"small": recovery})
    assert len(table) == len(recovery)
    row = table[table["id"] == "p0100"].iloc[0]
    assert row["architecture"] == points.set_index("id").loc["p0100", "architecture"]


def test_best_correlations_take_the_standard_error_over_widths():
    points = pd.DataFrame(
        {
            "id": list("abcdef"), "architecture": "relu",
            "expansion": [2.0, 2.0, 10.0, 20.0, 2.0, 10.0],
            "trained": ["all", "all", "all", "all", "encoder", "nothing"],
        }
    )  # fmt: skip
    recovery = pd.DataFrame(
        {
            "id": list("abcdef"), "convention": "published", "group": "X",
            "best_correlation": [0.1, 0.3, 0.5, 0.8, 0.25, 0.15],
            "max_correlation": [0.2, 0.4, 0.6, 0.9, 0.35, 0.25],
            "null_best_correlation": [0.0, 0.2, 0.2, 0.3, 0.9, 0.9],
            "null_max_correlation": [0.1, 0.3, 0.3, 0.4, 0.9, 0.9],
        }
    )  # fmt: skip
    rows = baselines().query("group == 'X' and convention == 'published'")
    table = best_correlations(points, recovery, rows).set_index("method")
    # widths: (0.1 + 0.3) / 2 = 0.2, 0.5, 0.8
    assert table.loc["sae", "best_correlation"] == pytest.approx(0.5)
    assert table.loc["sae", "best_sem"] == pytest.approx(stats.sem([0.2, 0.5, 0.8]))
    assert table.loc["sae_relu", "max_correlation"] == pytest.approx((0.3 + 0.6 + 0.9) / 3)
    assert table.loc["sae", "n_models"] == 4
    assert table.loc["ica", "best_correlation"] == pytest.approx(0.0)
    assert table.loc["best_baseline", "best_correlation"] == pytest.approx(0.0)
    assert np.isnan(table.loc["pca", "best_sem"])
    # directions as many as the trained features, by width 0.1, 0.2 and 0.3
    assert table.loc["random", "best_correlation"] == pytest.approx(0.2)
    assert table.loc["sae_frozen", "best_correlation"] == pytest.approx(0.25)
    assert table.loc["sae_untrained", "max_correlation"] == pytest.approx(0.25)


def test_the_best_baseline_is_one_of_the_papers():
    points, recovery = sweep(groups="X")
    rows = baselines().query("group == 'X'")
    better = rows[rows["method"] == "ica"].assign(method="nmf", best_correlation=0.999)
    table = best_correlations(points, recovery, pd.concat([rows, better]))
    table = table[table["convention"] == "corrected"].set_index("method")
    assert table.loc["nmf", "best_correlation"] == 0.999
    best = rows.query("convention == 'corrected'")["best_correlation"].max()
    assert table.loc["best_baseline", "best_correlation"] == best


def test_selected_points_have_t_intervals_over_seeds():
    points, recovery = sweep(seeds=(0, 1, 2), factors=(2, 100))
    points.loc[points["seed"] == 2, "mse"] *= 1.5
    single = points[points["learning_rate"] == 1e-3].index
    points = points.drop(single[points.loc[single, "seed"] > 0])  # one seed left: no interval
    recovery = recovery[recovery["id"].isin(points["id"])]
    table = selected_points.tabulate({"small": points}, {"small": recovery})
    assert set(table["learning_rate"]) == {1e-4}
    assert set(table["n_seeds"]) == {3}
    same = ["architecture", "expansion", "l1", "k", "learning_rate", "trained"]
    chosen = points[points["learning_rate"] == 1e-4]
    metrics = {"mse", "l0", "share_live", "explained_variance"}
    assert set(table.loc[table["group"] == "", "metric"]) == metrics
    for values, members in chosen.groupby(same):
        rows = table[(table[same] == list(values)).all(axis=1)]
        row = rows[rows["metric"] == "mse"].iloc[0]
        mean, sem = members["mse"].mean(), stats.sem(members["mse"])
        assert row["mean"] == pytest.approx(mean)
        assert (row["low"], row["high"]) == pytest.approx(stats.t.interval(0.95, 2, mean, sem))
        of_X = recovery[recovery["id"].isin(members["id"]) & (recovery["group"] == "X")]
        values = of_X.loc[of_X["convention"] == "corrected", "matched_correlation"]
        row = rows.query("group == 'X' and metric == 'matched_correlation'")
        row = row[row["convention"] == "corrected"].iloc[0]
        expected = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
        assert (row["low"], row["high"]) == pytest.approx(expected)


def test_selected_points_keep_parts_and_failures_apart():
    points, recovery = sweep(seeds=(0, 1), factors=(2,))
    points["trained"] = np.where(points["seed"] == 1, "nothing", "all")
    assert selected_points.tabulate({"a": points}, {"a": recovery}).empty
    points, recovery = sweep(seeds=(0, 1), factors=(2,))
    points.loc[points["seed"] == 1, "status"] = "failed"
    assert selected_points.tabulate({"a": points}, {"a": recovery}).empty


def test_the_grid_counts_baselines_apart():
    points, _ = sweep(seeds=(0, 1), factors=(2,))
    points["trained"] = np.where(points["seed"] == 1, "nothing", "all")
    grid = table_S4.tabulate({"small": points})
    assert grid["trained"].tolist() == ["all"] * 3 + ["nothing"] * 3
    assert grid["n_runs"].sum() == len(points)
