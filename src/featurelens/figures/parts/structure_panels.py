"""Panels of Figure S13 about the connectivity that single features hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from featurelens.figures.parts.palette import VARIABLE_COLOURS
from featurelens.figures.parts.style import MUTED, not_in_this_run

COVERED_COLOUR = VARIABLE_COLOURS["X''"]
ALL_COLOUR = "#d55e00"
NULLS = {"null": (":", "null: density"), "margin": ("--", "null: density and genes")}
"""Prefix of a null's columns to its line and name."""
_AXIS = "percentile of cosine similarity used as threshold"


def draw_coverage(axes: Axes, structure: pd.DataFrame, programs: pd.DataFrame) -> None:
    """Boxes over matched programs at every percentile, means over these and over all, and nulls.

    Parameters
    ----------
    axes
        The panel.
    structure
        ``structure.tsv`` of one sweep; several SAEs are averaged.
    programs
        ``structure_programs.tsv`` of the same: percentile, program, coverage.
    """
    axes.set_title("Coverage of a program's genes", loc="left")
    if structure.empty:
        not_in_this_run(axes, "no structure recovery")
        return
    means = structure.groupby("percentile", sort=True).mean(numeric_only=True)
    places = np.arange(len(means))
    matched = programs[programs["coverage"] > 0]
    boxes = [
        matched.loc[matched["percentile"] == percentile, "coverage"].to_numpy()
        for percentile in means.index
    ]
    axes.boxplot(
        boxes, positions=places, widths=0.62, patch_artist=True, manage_ticks=False,
        boxprops={"facecolor": (0.3, 0.5, 0.7, 0.35), "linewidth": 0.6},
        medianprops={"color": COVERED_COLOUR, "linewidth": 1.0},
        whiskerprops={"linewidth": 0.6}, capprops={"linewidth": 0.6},
        flierprops={"marker": "x", "markersize": 2, "markeredgecolor": MUTED},
    )  # fmt: skip
    for column, colour, marker in (
        ("coverage_covered", COVERED_COLOUR, "o"),
        ("coverage_all", ALL_COLOUR, "s"),
    ):
        _lines(axes, places, means, column, colour, marker)
    for place, count in enumerate(means["n_covered"]):
        axes.text(place, 1.07, f"{count:.0f}", ha="center", color=MUTED, fontsize=6)
    axes.text(-0.01, 1.07 / 1.14, "$n$ ", transform=axes.transAxes, ha="right", fontsize=6)
    _finish(axes, means)
    handles = [
        Patch(facecolor=(0.3, 0.5, 0.7, 0.35), edgecolor="black", lw=0.6, label="matched programs"),
        Line2D([], [], color=COVERED_COLOUR, marker="o", ms=4, label="their mean (published)"),
        Line2D([], [], color=ALL_COLOUR, marker="s", ms=4, label="mean over all programs"),
        *_null_handles(means, "coverage_all"),
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def draw_match(axes: Axes, structure: pd.DataFrame) -> None:
    """Precision and F1 of the same match, with the same nulls."""
    axes.set_title("Precision and F1 of the same match", loc="left")
    if structure.empty:
        not_in_this_run(axes, "no structure recovery")
        return
    means = structure.groupby("percentile", sort=True).mean(numeric_only=True)
    places = np.arange(len(means))
    _lines(axes, places, means, "f1", COVERED_COLOUR, "o")
    _lines(axes, places, means, "precision", ALL_COLOUR, "s")
    _finish(axes, means)
    handles = [
        Line2D([], [], color=COVERED_COLOUR, marker="o", ms=4, label="F1, all programs"),
        Line2D([], [], color=ALL_COLOUR, marker="s", ms=4, label="precision, matched programs"),
        *_null_handles(means, "f1"),
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _lines(
    axes: Axes, places: np.ndarray, means: pd.DataFrame, column: str, colour: str, marker: str
) -> None:
    """The mean of a score and what it is under every null that was drawn."""
    axes.plot(
        places, means[column], color=colour, marker=marker, ms=4, markeredgecolor="white",
        markeredgewidth=0.5, lw=1.1, zorder=4, label=column,
    )  # fmt: skip
    for null in _drawn(means, column):
        axes.plot(
            places, means[f"{null}_{column}"], color=colour, ls=NULLS[null][0], lw=1.1, zorder=3,
            label=f"{null}_{column}",
        )  # fmt: skip


def _drawn(means: pd.DataFrame, column: str) -> Sequence[str]:
    return [null for null in NULLS if means[f"{null}_{column}"].notna().any()]


def _null_handles(means: pd.DataFrame, column: str) -> list[Line2D]:
    return [
        Line2D([], [], color=MUTED, ls=NULLS[null][0], lw=1.1, label=NULLS[null][1])
        for null in _drawn(means, column)
    ]


def _finish(axes: Axes, means: pd.DataFrame) -> None:
    axes.set_ylim(0, 1.14)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xticks(range(len(means)), [f"{percentile:g}" for percentile in means.index])
    axes.set_xlabel(_AXIS)
