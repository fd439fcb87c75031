"""**Figure S6. Sparsity depends on the learning rate.** Share of live features by sparsity and
learning rate, at the hidden factor 100 of the paper or the nearest one that was trained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.figures.parts.palette import ARCHITECTURE_LABELS
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, not_in_this_run, styled
from featurelens.figures.parts.sweep_panels import (
    LIVE,
    NAMES,
    PAPER_FACTOR,
    SPARSITY,
    draw_lines,
    key,
    nearest,
    sweep_table,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS = {
    "points": "sweeps/{small_sweep}/points.parquet",
    "recovery": "sweeps/{small_sweep}/recovery.parquet",
}
TOGETHER = "small_sweep"


@styled
def draw(points: pd.DataFrame, recovery: pd.DataFrame) -> Figure:
    """Draw Figure S6: share of live features by sparsity and learning rate, at one hidden size.

    The hidden factor is the paper's 100, or the nearest one that was trained.
    """
    table = sweep_table(points, recovery)
    figure = new_figure(FULL_WIDTH, 2.6)
    axes = figure.subplots(1, 3, sharey=True)
    factor = nearest(table["expansion"], PAPER_FACTOR) if len(table) else PAPER_FACTOR
    table = table[table["expansion"] == factor]
    for panel, kind in zip(axes, SPARSITY, strict=True):
        part = table[table["architecture"] == kind]
        panel.set_title(ARCHITECTURE_LABELS[kind])
        if part.empty:
            not_in_this_run(panel, "no such point")
            continue
        draw_lines(panel, part, LIVE, hue="learning_rate", x=SPARSITY[kind])
        panel.set_xlabel(NAMES[SPARSITY[kind]])
        key(panel, part, "learning_rate", below=-0.25)
    axes[0].set_ylabel(f"share of live features,\nhidden factor {factor:g}")
    return figure
