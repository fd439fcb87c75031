"""**Figure S12. The small sweep at a glance.** Loss by hidden size and by learning rate, recovery
of X, recovery by variable, dead features by sparsity, and features per program by hidden size.
Lines are means, bands bootstrapped 95 % intervals over the other settings; in D dots are single
runs and bars the range of the means of single seeds. Features per program stand on a logarithmic
axis that holds no zero: a mean over those SAEs that have any such feature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import Convention
from featurelens.figures.parts.curves import draw_curves, side_legend
from featurelens.figures.parts.palette import (
    ARCHITECTURE_COLOURS,
    ARCHITECTURE_LABELS,
    ARCHITECTURE_MARKERS,
    VARIABLE_COLOURS,
    VARIABLE_MARKERS,
)
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)
from featurelens.figures.parts.sweep_panels import (
    PAPER_FACTOR,
    Metric,
    at_paper_rate,
    draw_lines,
    fitted,
    key,
    nearest,
    table_from_S7,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INPUTS = {
    "points": "sweeps/{small_sweep}/points.parquet",
    "recovery": "sweeps/{small_sweep}/recovery.parquet",
}
TOGETHER = "small_sweep"

LOSS = Metric("loss", "training loss", log=True)
DEAD = Metric("share_dead", "share of dead features", limits=(-0.03, 1.02))
BEST = Metric("best_X", "best correlation with X", limits=(0.5, 1.02))
COUNT = Metric("n_X", "features per X\nwith |r| > .95", log=True)


@styled
def draw(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention = "corrected"
) -> Figure:
    """Draw Figure S12; its three parts stand in one figure.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`.

    Returns
    -------
    Figure
        A: loss by hidden size; B: loss by learning rate at one hidden factor (all rates); C: best
        correlation with X by hidden size; D, E: dead features by L1 weight and by k; F: best
        correlation by variable; G, H: features per X by hidden size, by L1 weight and by k.
    """
    table = table_from_S7(points, recovery, convention=convention)
    at_rate, rate = at_paper_rate(table)
    figure = new_figure(FULL_WIDTH, 8.6)
    axes = figure.subplots(4, 2).ravel()
    factor = nearest(table["expansion"], PAPER_FACTOR)
    _by_type(axes[0], at_rate, LOSS, "d_sae", "hidden size (features)")
    one_width = table[table["expansion"] == factor]
    _by_type(axes[1], one_width, LOSS, "learning_rate", "learning rate")
    _by_type(axes[2], at_rate, fitted(BEST, at_rate), "d_sae", "hidden size (features)")
    penalised = at_rate[at_rate["architecture"] != "topk"]
    topk = at_rate[at_rate["architecture"] == "topk"]
    _by_type(axes[4], penalised, DEAD, "l1", "L1 weight")
    _by_type(axes[5], topk, DEAD, "k", "k (%)")
    _variables(axes[3], recovery, at_rate, convention)
    for panel, part, hue in ((axes[6], penalised, "l1"), (axes[7], topk, "k")):
        draw_lines(panel, part, COUNT, hue=hue)
        panel.set(xlabel="hidden size (features)", ylabel=COUNT.label)
        if not part.empty:
            key(panel, part, hue, below=-0.3)
    titles = (
        f"Loss, learning rate {rate:g}", f"Loss, hidden factor {factor:g}",
        "Recovery of X", "Recovery by variable, all architectures",
        "Dead features, Vanilla and ReLU", "Dead features, TopK",
        "Features per X, Vanilla and ReLU", "Features per X, TopK",
    )  # fmt: skip
    for panel, letter, title in zip(axes, "ABCDEFGH", titles, strict=True):
        panel.set_title(title, loc="left")
        panel_letter(panel, letter, x=-0.12)
    return figure


def _by_type(axes: Axes, table: pd.DataFrame, metric: Metric, x: str, label: str) -> None:
    draw_lines(axes, table, metric, hue="architecture", x=x)
    axes.set(xlabel=label, ylabel=metric.label)
    side_legend(
        axes, ARCHITECTURE_COLOURS, ARCHITECTURE_MARKERS, set(table["architecture"]),
        labels=ARCHITECTURE_LABELS,
    )  # fmt: skip


def _variables(
    axes: Axes,
    recovery: pd.DataFrame,
    at_rate: pd.DataFrame,
    convention: Convention,
) -> None:
    known = recovery[recovery["convention"] == convention]
    long = known.merge(at_rate[["id", "d_sae", "seed"]], on="id")
    if long.empty:
        not_in_this_run(axes, "no correlation")
        return
    draw_curves(
        axes, long, x="d_sae", y="best_correlation", hue="group", colours=VARIABLE_COLOURS,
        markers=VARIABLE_MARKERS,
    )  # fmt: skip
    side_legend(axes, VARIABLE_COLOURS, VARIABLE_MARKERS, set(long["group"]))
    axes.set(xlabel="hidden size (features)", ylabel="mean of best $|r|$")
