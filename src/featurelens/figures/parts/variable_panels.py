"""How many features share a variable, and how well the best of them knows it (Figures S9, S10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter, NullLocator

from featurelens.conventions import Convention
from featurelens.figures.parts.palette import ARCHITECTURE_LABELS
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
)
from featurelens.figures.parts.sweep_panels import (
    MARKERS,
    NAMES,
    SPARSITY,
    at_paper_rate,
    name_rate,
    table_from_S7,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


BOX = ((1.0, 10.0), (0.95, 1.0))
"""Where the paper zooms in: one to ten features per variable, correlation above .95."""


def draw_per_variable(
    points: pd.DataFrame,
    recovery: pd.DataFrame,
    *,
    group: str,
    convention: Convention,
) -> Figure:
    """Draw features per variable of a group against best correlation.

    Parameters
    ----------
    points, recovery, convention
        As :func:`featurelens.figures.parts.sweep_panels.sweep_table`.
    group
        Group of variables.

    Returns
    -------
    Figure
        One column per architecture; colour is the hidden size, marker the sparsity. The second
        row enlarges the box of the first.
    """
    table, rate = at_paper_rate(table_from_S7(points, recovery, convention=convention))
    figure = new_figure(FULL_WIDTH, 5.6)
    axes = figure.subplots(2, 3, sharey="row")
    x, y = f"n_{group}", f"best_{group}"
    norm = LogNorm(table["d_sae"].min(), max(table["d_sae"].max(), table["d_sae"].min() + 1))
    for column, kind in enumerate(SPARSITY):
        part = table[table["architecture"] == kind].dropna(subset=[x, y])
        above, below = axes[0, column], axes[1, column]
        above.set_title(ARCHITECTURE_LABELS[kind])
        if part.empty:
            not_in_this_run(above, "no such point")
            not_in_this_run(below, "no such point")
            continue
        for panel in (above, below):
            _scatter(panel, part, x, y, SPARSITY[kind], norm)
        above.set_xscale("symlog", linthresh=0.3, linscale=0.4)
        above.xaxis.set_minor_locator(NullLocator())
        above.set_xlim(-0.05, 1.5 * max(table[x].max(), 10))
        ticks = [tick for tick in (0, 1, 10, 100, 1000) if tick < above.get_xlim()[1]]
        above.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        above.set_ylim(min(0.3, table[y].min() - 0.02), 1.02)
        (left, right), (low, high) = BOX
        above.add_patch(
            Rectangle((left, low), right - left, high - low, color=BACKGROUND, zorder=0)
        )
        below.set_xlim(0.8, 10.4)
        below.set_ylim(0.948, 1.002)
        inside = part[x].between(0.8, 10.4) & part[y].between(0.948, 1.002)
        if not inside.any():
            below.text(
                0.5, 0.5, "no run in the box", transform=below.transAxes, ha="center",
                color=MUTED, fontstyle="italic",
            )  # fmt: skip
        below.set_xlabel(f"features with |r| > .95 per {group}")
        _marker_key(below, part, SPARSITY[kind])
    axes[0, 0].set_ylabel(f"best correlation with {group}")
    axes[1, 0].set_ylabel(f"best correlation with {group}\n(the grey box)")
    bar = figure.colorbar(ScalarMappable(norm, mpl.colormaps["viridis"]), ax=axes, shrink=0.6)
    bar.set_label("hidden size (features)")
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    name_rate(figure, rate)
    return figure


def _scatter(axes: Axes, part: pd.DataFrame, x: str, y: str, sparsity: str, norm: LogNorm) -> None:
    for place, value in enumerate(np.unique(part[sparsity])):
        chosen = part[part[sparsity] == value]
        axes.scatter(
            chosen[x],
            chosen[y],
            c=chosen["d_sae"],
            cmap="viridis",
            norm=norm,
            marker=MARKERS[place % len(MARKERS)],
            s=18,
            linewidths=0.3,
            edgecolors="white",
        )


def _marker_key(axes: Axes, part: pd.DataFrame, sparsity: str) -> None:
    handles = [
        Line2D(
            [], [], linestyle="none", marker=MARKERS[place % len(MARKERS)], color=MUTED, ms=4,
            label=f"{value:g}",
        )
        for place, value in enumerate(np.unique(part[sparsity]))
    ]  # fmt: skip
    axes.legend(
        handles=handles, title=NAMES[sparsity], loc="upper center", bbox_to_anchor=(0.5, -0.25),
        ncol=3, columnspacing=0.8,
    )  # fmt: skip
