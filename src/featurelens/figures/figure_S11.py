"""**Figure S11. Recovery of A and B.** Best correlation of a single feature by hidden size and
sparsity, as its size. Every mark is one SAE. The second row of the author's figure is labelled B
and draws A; here it is B. The axes fit the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.conventions import Convention
from featurelens.figures.parts.palette import ARCHITECTURE_LABELS
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, not_in_this_run, styled
from featurelens.figures.parts.sweep_panels import (
    MARKERS,
    SPARSITY,
    at_paper_rate,
    key,
    name_rate,
    shades,
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


@styled
def draw(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention = "corrected"
) -> Figure:
    """Draw Figure S11: best correlation with A and with B by hidden size and sparsity.

    The author's second row is labelled B but draws A again; here it is B.
    """
    table, rate = at_paper_rate(table_from_S7(points, recovery, convention=convention))
    figure = new_figure(FULL_WIDTH, 4.8)
    axes = figure.subplots(2, 3, sharex=True, sharey="row")
    sizes = {size: place for place, size in enumerate(np.unique(table["d_sae"]))}
    for column, kind in enumerate(SPARSITY):
        part = table[table["architecture"] == kind]
        hue = SPARSITY[kind]
        axes[0, column].set_title(ARCHITECTURE_LABELS[kind])
        for row, group in enumerate("AB"):
            _categories(axes[row, column], part, f"best_{group}", hue, sizes)
        axes[1, column].set_xlabel("hidden size (features)")
        if not part.empty:
            key(axes[1, column], part, hue, below=-0.38)
    for row, group in enumerate("AB"):
        axes[row, 0].set_ylabel(f"best correlation with {group}")
    name_rate(figure, rate)
    return figure


def _categories(axes: Axes, part: pd.DataFrame, y: str, hue: str, sizes: dict[int, int]) -> None:
    shown = part.dropna(subset=[y])
    if shown.empty:
        not_in_this_run(axes, "no such point")
        return
    for place, (value, colour) in enumerate(shades(part, hue).items()):
        chosen = shown[shown[hue] == value]
        axes.scatter(
            chosen["d_sae"].map(sizes),
            chosen[y],
            s=16,
            color=colour,
            marker=MARKERS[place % len(MARKERS)],
            linewidths=0.3,
            edgecolors="white",
        )
    axes.set_xticks(list(sizes.values()), [f"{size:,}" for size in sizes], rotation=60)
