"""Panels that the figures of the small sweep share: one table, one grid of curves, one key.

The paper draws a metric against the number of features, once for all architectures and once for
each of them by its sparsity: the weight of L1, or k for TopK.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from featurelens.conventions import Convention
from featurelens.figures.parts.curves import mean_line, name_ticks
from featurelens.figures.parts.palette import (
    ARCHITECTURE_COLOURS,
    ARCHITECTURE_LABELS,
    ARCHITECTURE_MARKERS,
    activation_map,
)
from featurelens.figures.parts.style import FULL_WIDTH, MUTED, new_figure, not_in_this_run
from featurelens.sae.listing import paper_architectures, sparsity
from featurelens.sweeps.selection import fully_trained, whole_seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


PAPER_RATE = 1e-4
"""Learning rate with which the paper goes on after its Figure S6."""
PAPER_FACTOR = 100.0
"""Hidden factor of the paper's panels of one width."""
LEFT_OUT_K = 1.0
"""TopK points with this k (percent) are left out from Figure S7 on, as in the paper."""
SPARSITY = {name: sparsity(name) for name in paper_architectures()}
"""What sets the sparsity of the paper's architectures."""
NAMES = {"l1": "L1 weight", "k": "k (%)", "learning_rate": "learning rate"}
"""Hyperparameters as the figures print them."""
_MAPS = {"l1": "viridis_r", "learning_rate": "viridis"}
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers of the values of a hyperparameter, in order."""


@dataclass(frozen=True)
class Metric:
    """A column of :func:`sweep_table` and how it is drawn."""

    column: str
    """Column of the table."""
    label: str
    """Label of the axis."""
    log: bool = False
    """Whether the axis is logarithmic."""
    limits: tuple[float, float] | None = None
    """What the axis shows at least; it grows where the data go beyond."""


def sweep_table(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention = "corrected"
) -> pd.DataFrame:
    """One row per finished point, fully trained, of a whole grid, with all that the figures draw.

    Parameters
    ----------
    points
        Trained points: id, status, architecture, expansion, l1, k, learning_rate, seed, d_sae,
        loss, n_live.
    recovery
        Recovery of the same points: id, convention, group, best_correlation, n_per_variable,
        mean_active.
    convention
        Convention of the correlations.

    Returns
    -------
    DataFrame
        The columns of ``points``, and share_live, share_dead (of d_sae), mean_active (features
        that fire per cell), and for every group of variables best_<group> and n_<group>.
    """
    fine = whole_seeds(fully_trained(points[points["status"] == "ok"])).copy()
    fine["share_live"] = fine["n_live"] / fine["d_sae"]
    fine["share_dead"] = 1 - fine["share_live"]
    measured = recovery[recovery["convention"] == convention]
    wide = measured.pivot(
        index="id", columns="group", values=["best_correlation", "n_per_variable"]
    )
    short = {"best_correlation": "best", "n_per_variable": "n"}
    wide.columns = pd.Index([f"{short[pair[0]]}_{pair[1]}" for pair in wide.columns])
    wide["mean_active"] = measured.groupby("id")["mean_active"].first()
    return fine.merge(wide, left_on="id", right_index=True, how="left", validate="one_to_one")


LIVE = Metric("share_live", "share of live features", limits=(-0.03, 1.05))


def fitted(metric: Metric, table: pd.DataFrame) -> Metric:
    """The metric with limits that leave no value of the table out."""
    values = table[metric.column].dropna()
    if metric.limits is None or values.empty:
        return metric
    low, high = metric.limits
    margin = (high - low) / 50
    limits = (min(low, values.min() - margin), max(high, values.max() + margin))
    return replace(metric, limits=limits)


def table_from_S7(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention
) -> pd.DataFrame:
    """:func:`sweep_table` without TopK points with k = 1 %, which the paper leaves out."""
    table = sweep_table(points, recovery, convention=convention)
    return table[~((table["architecture"] == "topk") & (table["k"] == LEFT_OUT_K))]


def nearest(values: pd.Series, wanted: float) -> float:
    """The value of the grid that is nearest to the paper's, on a log scale; the lower at a tie."""
    grid = np.unique(values.dropna())
    return float(grid[np.abs(np.log(grid / wanted)).argmin()])


def at_paper_rate(table: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Points of the paper's learning rate, or of the nearest one that was trained."""
    rate = nearest(table["learning_rate"], PAPER_RATE)
    return table[table["learning_rate"] == rate], rate


def name_rate(figure: Figure | SubFigure, rate: float) -> None:
    """Write the learning rate in the upper right corner of a figure."""
    figure.suptitle(f"learning rate {rate:g}", fontsize=7, color=MUTED, x=0.99, ha="right")


def shades(table: pd.DataFrame, hue: str) -> dict[float, str]:
    """Colour of every value of a hyperparameter, from the paper's colour map of it."""
    values = np.unique(table[hue].dropna())
    shade = activation_map() if hue == "k" else mpl.colormaps[_MAPS[hue]]
    colours = shade(np.linspace(0.08, 0.92, max(len(values), 2)))
    return {float(value): to_hex(colours[place]) for place, value in enumerate(values)}


def looks(table: pd.DataFrame, hue: str) -> dict[str | float, tuple[str, str]]:
    """Colour and marker of every value of ``hue`` that occurs, in order."""
    if hue == "architecture":
        present = set(table[hue])
        return {
            name: (colour, ARCHITECTURE_MARKERS[name])
            for name, colour in ARCHITECTURE_COLOURS.items()
            if name in present
        }
    colours = shades(table, hue)
    return {
        value: (colour, MARKERS[place % len(MARKERS)])
        for place, (value, colour) in enumerate(colours.items())
    }


def draw_lines(
    axes: Axes, table: pd.DataFrame, metric: Metric, *, hue: str, x: str = "d_sae"
) -> None:
    """Mean and bootstrapped 95 % interval over the other hyperparameters, one line per value.

    Parameters
    ----------
    axes
        The panel.
    table
        Of :func:`sweep_table`.
    metric
        What is drawn.
    hue
        ``architecture`` or a hyperparameter.
    x
        Hyperparameter of the horizontal axis, which is logarithmic.
    """
    shown = table.dropna(subset=[metric.column])
    if metric.log:
        shown = shown[shown[metric.column] > 0]
    if shown.empty:
        not_in_this_run(axes, "no such point")
        return
    # Panels of one axis share its scale, and setting it again makes all of their ticks anew.
    if axes.get_xscale() != "log":
        axes.set_xscale("log")
    if metric.log and axes.get_yscale() != "log":
        axes.set_yscale("log")
    for value, (colour, marker) in looks(table, hue).items():
        line = mean_line(shown[shown[hue] == value], x, metric.column)
        if line.empty:
            continue
        axes.plot(
            line.index, line["mean"], color=colour, marker=marker, markersize=3.5,
            markeredgecolor="white", markeredgewidth=0.3, linewidth=1.0,
        )  # fmt: skip
        axes.fill_between(line.index, line["low"], line["high"], color=colour, alpha=0.2)
    if metric.limits is not None:
        axes.set_ylim(*metric.limits)
    axes.yaxis.set_minor_formatter(NullFormatter())
    name_ticks(axes, shown[x])


def key(axes: Axes, table: pd.DataFrame, hue: str, *, below: float = -0.42) -> None:
    """Key of the colours and markers of ``hue``, below a panel."""
    by_type = hue == "architecture"
    handles = [
        Line2D(
            [], [], color=colour, marker=marker, ms=4, markeredgecolor="white",
            markeredgewidth=0.3, linewidth=1.0,
            label=ARCHITECTURE_LABELS.get(str(value), value) if by_type else f"{value:g}",
        )
        for value, (colour, marker) in looks(table, hue).items()
    ]  # fmt: skip
    axes.legend(
        handles=handles,
        title="SAE" if by_type else NAMES[hue],
        loc="upper center",
        bbox_to_anchor=(0.5, below),
        ncol=1 if by_type else 2,
        columnspacing=1.0,
        handlelength=1.6,
    )


def draw_grid(
    figure: Figure | SubFigure, table: pd.DataFrame, metrics: Sequence[Metric], *, rate: float
) -> None:
    """A row of four panels for every metric: all architectures, then each by its sparsity."""
    metrics = [fitted(metric, table) for metric in metrics]
    axes = figure.subplots(len(metrics), 4, squeeze=False, sharex=True, sharey="row")
    for place, kind in enumerate(["all", *SPARSITY]):
        part = table if kind == "all" else table[table["architecture"] == kind]
        hue = "architecture" if kind == "all" else SPARSITY[kind]
        title = "All" if kind == "all" else ARCHITECTURE_LABELS[kind]
        axes[0, place].set_title(title)
        for row, metric in enumerate(metrics):
            draw_lines(axes[row, place], part, metric, hue=hue)
        if not part.empty:
            key(axes[-1, place], part, hue)
        axes[-1, place].set_xlabel("hidden size (features)")
    for row, metric in enumerate(metrics):
        axes[row, 0].set_ylabel(metric.label)
    name_rate(figure, rate)


def draw_metrics(
    points: pd.DataFrame,
    recovery: pd.DataFrame,
    metrics: Sequence[Metric],
    *,
    height: float,
    convention: Convention,
) -> Figure:
    """A figure of metrics by hidden size at the paper's learning rate or the nearest one."""
    table, rate = at_paper_rate(table_from_S7(points, recovery, convention=convention))
    figure = new_figure(FULL_WIDTH, height)
    draw_grid(figure, table, metrics, rate=rate)
    return figure
