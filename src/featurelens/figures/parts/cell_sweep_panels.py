"""Panels of sweeps over cells, each SAE a point or a line (Figure S14 and its part c)."""

import math
from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterSciNotation

from featurelens.figures.parts.palette import (
    ARCHITECTURE_COLOURS,
    ARCHITECTURE_LABELS,
    FALLBACK_COLOUR,
)
from featurelens.figures.parts.style import MUTED
from featurelens.sweeps.points import TOPK_FAMILY

_LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)))
_KEY_ROWS = 2
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")


class Look:
    """Colour, line and marker of every point, the same in all blocks."""

    def __init__(self, table: pd.DataFrame) -> None:
        penalised = table[~table["architecture"].isin(TOPK_FAMILY)]
        weights = np.unique(penalised["l1_weight"])[::-1]
        shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.92, max(len(weights), 1)))
        self.weights = dict(zip(weights.tolist(), map(to_hex, shades), strict=False))
        rates = np.unique(table["learning_rate"])[::-1].tolist()
        self.lines = {rate: _LINES[place % len(_LINES)] for place, rate in enumerate(rates)}
        present = sorted(set(table["architecture"]))
        names = sorted(present, key=list(ARCHITECTURE_LABELS | dict.fromkeys(present)).index)
        self.markers = {name: _MARKERS[place % len(_MARKERS)] for place, name in enumerate(names)}
        self.topk = [name for name in names if name in TOPK_FAMILY]

    def colour(self, architecture: Any, weight: Any) -> str:
        """Shade of the L1 weight; the TopK family has none and keeps its own colour."""
        if architecture in TOPK_FAMILY:
            return ARCHITECTURE_COLOURS.get(architecture, FALLBACK_COLOUR)
        return self.weights[weight]


def draw_losses(axes: Axes, losses: pd.DataFrame, points: pd.DataFrame, look: Look) -> None:
    """One line a point; training loss where nothing was held out."""
    column = "validation_loss" if points["held_out"].any() else "train_loss"
    by_id = dict(iter(losses.groupby("id", sort=False)))
    for point in points.to_dict("records"):
        curve = by_id[point["id"]]
        axes.plot(
            curve["epoch"], curve[column], lw=0.7, alpha=0.75, rasterized=True,
            color=look.colour(point["architecture"], point["l1_weight"]),
            ls=look.lines[point["learning_rate"]],
        )  # fmt: skip
    _logarithmic(axes, "y")
    axes.set_xlabel("epoch")
    axes.set_ylabel(column.replace("_", " "))


def draw_errors(
    axes: Axes,
    points: pd.DataFrame,
    x: str,
    label: str,
    look: Look,
    *,
    error: str = "held-out squared error",
) -> None:
    """Dots are points, lines the medians of one learning rate."""
    for rate, line in look.lines.items():
        of_rate = points[points["learning_rate"] == rate]
        if x == "l1_weight":
            of_rate = of_rate[~of_rate["architecture"].isin(TOPK_FAMILY)]
        if of_rate.empty:
            continue
        medians = of_rate.groupby(x, sort=True)["mse"].median()
        axes.plot(medians.index, medians, color=MUTED, ls=line, lw=1.2, zorder=1)
    _dots(axes, points, x, "mse", look)
    _name_values(axes, points[x])
    _logarithmic(axes, "y")
    axes.set_xlabel(label)
    axes.set_ylabel(error)


def draw_scatter(axes: Axes, points: pd.DataFrame, x: str, label: str, look: Look) -> None:
    """Active features of every point; a dotted line where they are all of them."""
    _dots(axes, points, x, "n_active", look)
    if x in ("d_sae", "expansion"):
        _name_values(axes, points[x])
    else:
        _logarithmic(axes, "x")
    if x == "d_sae":
        values = np.unique(points[x])
        axes.plot(values, values, color=MUTED, lw=0.8, ls=":", zorder=0)
        axes.annotate(
            "all features", (values[-1], values[-1]), textcoords="offset points", xytext=(0, 3),
            ha="right", fontsize=6, color=MUTED,
        )  # fmt: skip
    _logarithmic(axes, "y")
    axes.set_xlabel(label)
    axes.set_ylabel("active features")


def _dots(axes: Axes, points: pd.DataFrame, x: str, y: str, look: Look) -> None:
    """Every point once; a ring around those that lose little and use few features."""
    for key, group in points.groupby(["architecture", "l1_weight"], sort=False):
        architecture, weight = key
        if x == "l1_weight" and architecture in TOPK_FAMILY:
            continue
        axes.scatter(
            group[x], group[y], s=11, marker=look.markers[architecture], linewidths=0, alpha=0.8,
            color=look.colour(architecture, weight), zorder=2,
        )  # fmt: skip
    frugal = points[points["frugal"].astype(bool)]
    axes.scatter(
        frugal[x], frugal[y], s=44, facecolors="none", edgecolors="black", linewidths=0.8, zorder=3
    )


def _logarithmic(axes: Axes, which: str) -> None:
    """A logarithmic axis; where it spans less than a decade, ticks between powers have labels."""
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(1.0, 0.35)))
    axis.set_tick_params(which="minor", labelsize=6)


def _name_values(axes: Axes, values: pd.Series) -> None:
    """A logarithmic axis with a tick at every value of the grid."""
    grid = np.unique(values[values > 0])
    axes.set_xscale("log")
    axes.set_xticks(grid, [f"{value:g}" for value in grid], minor=False)
    axes.set_xticks([], minor=True)
    if len(grid):
        axes.set_xlim(grid[0] / 1.6, grid[-1] * 1.6)


def draw_keys(block: SubFigure, look: Look, *, frugal: bool = True) -> None:
    """Legends of L1 weights, learning rates and architectures below the panels."""
    weights: Iterable[Line2D] = [
        Line2D([], [], ls="", marker="o", color=colour, label=f"{weight:g}")
        for weight, colour in look.weights.items()
    ]
    rates = [
        Line2D([], [], color=MUTED, ls=line, label=f"{rate:g}") for rate, line in look.lines.items()
    ]
    kinds = [
        Line2D(
            [], [], ls="", marker=marker, label=ARCHITECTURE_LABELS.get(name, name),
            color=ARCHITECTURE_COLOURS["topk"] if name in look.topk else MUTED,
        )
        for name, marker in look.markers.items()
    ]  # fmt: skip
    ring = Line2D([], [], ls="", marker="o", ms=6, mfc="none", mec="black", label="frugal")
    places = ((0.02, "L1 weight", weights), (0.36, "learning rate", rates), (0.7, "", kinds))
    for place, title, handles in places:
        entries = [*handles, ring] if frugal and not title else list(handles)
        block.legend(
            handles=entries, title=title or "SAE", loc="upper left", bbox_to_anchor=(place, 1.0),
            ncols=max(math.ceil(len(entries) / _KEY_ROWS), 1), columnspacing=0.9,
            handletextpad=0.3, handlelength=2.2,
        )  # fmt: skip
