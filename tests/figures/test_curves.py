"""Means and intervals of curves: by pencil, by scipy, and the same on every axis."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from featurelens.figures.parts.curves import N_RESAMPLES, mean_line
from featurelens.figures.parts.style import new_figure
from featurelens.figures.parts.sweep_panels import Metric, draw_lines

LOSS = Metric("loss", "loss", log=True)


def runs(architecture):
    """Losses over four decades at two sizes, and a single run at a third."""
    losses = [1e-4, 1e-2, 1.0, 1e-3, 1e-3, 1e-1, 0.5]
    sizes = [10, 10, 10, 100, 100, 100, 1000]
    return pd.DataFrame({"architecture": architecture, "d_sae": sizes, "loss": losses})


def test_the_interval_is_that_of_a_percentile_bootstrap():
    values = np.random.default_rng(5).exponential(size=17)
    line = mean_line(pd.DataFrame({"size": 8, "loss": values}), "size", "loss")
    theirs = bootstrap(
        (np.sort(values),), np.mean, n_resamples=N_RESAMPLES, method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    assert line.loc[8, "mean"] == pytest.approx(values.mean())
    assert (line.loc[8, "low"], line.loc[8, "high"]) == pytest.approx((theirs.low, theirs.high))


def test_the_order_of_runs_changes_nothing_and_a_single_run_has_no_interval():
    line = mean_line(runs("relu"), "d_sae", "loss")
    again = mean_line(runs("relu").iloc[::-1], "d_sae", "loss")
    pd.testing.assert_frame_equal(line, again, check_exact=True)
    assert list(line.index) == [10, 100, 1000]
    assert list(line["mean"]) == pytest.approx([1.0101 / 3, 0.102 / 3, 0.5])
    assert line.loc[1000, ["low", "high"]].isna().all()


def test_panels_that_share_a_logarithmic_axis_draw_the_same_means():
    # arithmetic means at the three sizes, by pencil; geometric ones are 0.01, 0.00464 and 0.5
    axes = new_figure(4, 2).subplots(1, 2, sharex=True, sharey=True)
    for panel in axes:
        draw_lines(panel, runs("relu"), LOSS, hue="architecture")
    for panel in axes:
        assert panel.lines[0].get_ydata() == pytest.approx([1.0101 / 3, 0.102 / 3, 0.5])
        assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")
