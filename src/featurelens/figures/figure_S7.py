"""Figures S7 and S8: sparsity and recovery by the number of features, at one learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import Convention
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, styled
from featurelens.figures.parts.sweep_panels import (
    Metric,
    at_paper_rate,
    draw_grid,
    sweep_table,
    without_smallest_k,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SPARSITY_METRICS = (
    Metric("loss", "training loss", log=True),
    Metric("share_dead", "share of dead features", limits=(-0.03, 1.02)),
    Metric("mean_active", "active features per cell", log=True),
    Metric("best_X", "best correlation with X", limits=(0.5, 1.02)),
)
RECOVERY_METRICS = (
    Metric("best_X", "best correlation\nwith X", limits=(0.5, 1.02)),
    Metric("n_X", "features per X", log=True),
    Metric("best_Y", "best correlation\nwith Y", limits=(0.5, 1.02)),
    Metric("n_Y", "features per Y", log=True),
    Metric("best_A", "best correlation\nwith A", limits=(0.5, 1.02)),
    Metric("best_B", "best correlation\nwith B", limits=(0.5, 1.02)),
)


@styled
def draw_figure_S7(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention = "corrected"
) -> Figure:
    """Draw Figure S7: loss, dead and active features, recovery of X, for every architecture.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`.
    """
    return _draw(points, recovery, SPARSITY_METRICS, 7.2, convention)


@styled
def draw_figure_S8(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention = "corrected"
) -> Figure:
    """Draw Figure S8: best correlation and number of features for X, Y, A and B."""
    return _draw(points, recovery, RECOVERY_METRICS, 9.4, convention)


def _draw(
    points: pd.DataFrame,
    recovery: pd.DataFrame,
    metrics: tuple[Metric, ...],
    height: float,
    convention: Convention,
) -> Figure:
    table = without_smallest_k(sweep_table(points, recovery, convention=convention))
    at_rate, rate = at_paper_rate(table)
    figure = new_figure(FULL_WIDTH, height)
    draw_grid(figure, at_rate, metrics, rate=rate)
    return figure
