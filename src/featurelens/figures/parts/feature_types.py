"""Local, regional and global features: their colours, and how active each of them is."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.figures.parts.concept_panels import mark_counts
from featurelens.figures.parts.palette import distinct_colours
from featurelens.figures.parts.style import not_in_this_run, panel_letter

FEATURE_TYPES = ("global", "regional", "local")
TYPE_COLOURS = dict(zip(FEATURE_TYPES, distinct_colours(len(FEATURE_TYPES)), strict=True))
"""Colour of each type of feature, the same in all figures."""

RULES = {"published": "published rule", "corrected": "corrected rule"}
"""What figures call the two rules of locality."""

MEASURES = {
    "mean": "mean activation",
    "max": "highest activation",
    "n_active": "cells that activate the feature",
}
"""Columns of a feature table that are drawn as histograms, and their labels."""

MOST_BINS = 50
_FEWEST_BINS = 12


def types_of(var: pd.DataFrame, convention: Convention) -> pd.Series:
    """Type of every live feature under one rule, by the names of the features."""
    live = var[var["n_active"] > 0]
    return live["type_published" if convention == "published" else "type"].astype(str)


def bins_of(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Edges of bins around positive values, equally wide on a logarithmic axis; more for more."""
    low, high = float(np.min(values)), float(np.max(values))
    if low == high:
        low, high = low / 1.5, high * 1.5
    n_bins = int(np.clip(1.5 * len(values) ** 0.5, _FEWEST_BINS, MOST_BINS))
    edges = np.geomspace(low, high, n_bins + 1)
    edges[0], edges[-1] = low, high  # no value falls out by rounding
    return edges


def draw_histograms(panels: Sequence[Axes], var: pd.DataFrame, convention: Convention) -> None:
    """Histograms of live features by their type: mean, maximum, number of cells.

    Parameters
    ----------
    panels
        One for each of :data:`MEASURES`.
    var
        Table of features.
    convention
        Rule of locality.
    """
    kinds = types_of(var, convention)
    for axes, (column, label) in zip(panels, MEASURES.items(), strict=True):
        values = var.loc[kinds.index, column]
        if values.empty:
            not_in_this_run(axes, "no cell activates any feature")
            continue
        edges = bins_of(values.to_numpy(dtype=float))
        top = 1
        for kind, colour in TYPE_COLOURS.items():
            chosen = values[kinds == kind].to_numpy(dtype=float)
            if not chosen.size:
                continue
            counts, _ = np.histogram(chosen, edges)
            top = max(top, counts.max())
            axes.stairs(counts, edges, fill=True, color=colour, alpha=0.22, lw=0)
            axes.stairs(counts, edges, color=colour, lw=1.1)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(0.7, max(axes.get_ylim()[1], 1.25 * top))  # panels share it
        axes.xaxis.set_minor_locator(NullLocator())
        mark_counts(axes.yaxis)
        axes.set_xlabel(label)
    panels[0].set_ylabel("features")


def draw_both_rules(figure: Figure | SubFigure, var: pd.DataFrame, *, name: str) -> None:
    """:func:`draw_histograms` under the published rule, A, and the corrected one, B."""
    panels = figure.subplots(2, len(MEASURES), sharey=True, sharex="col")
    for row, letter, convention in zip(panels, "AB", CONVENTIONS, strict=True):
        draw_histograms(row, var, convention)
        row[-1].legend(
            handles=type_handles(var, convention), loc="lower right", ncols=3,
            bbox_to_anchor=(1.0, 1.0), borderaxespad=0.3, handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
        row[0].set_title(f"{name}, {RULES[convention]}", loc="left")
        panel_letter(row[0], letter, x=-0.15)
    for axes in panels[0]:
        axes.set_xlabel("")


def type_handles(var: pd.DataFrame, convention: Convention) -> list[Line2D]:
    """Legend of the types with their numbers of features."""
    counts = types_of(var, convention).value_counts()
    return [
        Line2D([], [], color=colour, lw=4, alpha=0.6, label=f"{kind} ({counts.get(kind, 0):,})")
        for kind, colour in TYPE_COLOURS.items()
    ]
