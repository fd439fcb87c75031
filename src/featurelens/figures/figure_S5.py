"""**Figure S5. Loss and live features of the small sweep.** Columns are the three architectures.
Final training loss, which includes the L1 term, by number of features: by learning rate (top)
and by sparsity (middle; the weight of L1, or k for TopK). Bottom: share of features that fire on
some cell. Points are means over the other hyperparameters, bands bootstrapped 95 % intervals.
The paper draws bars, which have no base on a logarithmic axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.figures.parts.palette import ARCHITECTURE_LABELS
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, styled
from featurelens.figures.parts.sweep_panels import (
    LIVE,
    SPARSITY,
    Metric,
    draw_lines,
    key,
    sweep_table,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS = {
    "points": "sweeps/{small_sweep}/points.parquet",
    "recovery": "sweeps/{small_sweep}/recovery.parquet",
}
TOGETHER = "small_sweep"

LOSS = Metric("loss", "training loss", log=True)


@styled
def draw(points: pd.DataFrame, recovery: pd.DataFrame) -> Figure:
    """Draw Figure S5: three architectures in columns; loss by rate and by sparsity, live features.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`. Points with
    k = 1 % are kept here, as in the paper.
    """
    table = sweep_table(points, recovery)
    figure = new_figure(FULL_WIDTH, 7.4)
    axes = figure.subplots(3, 3, sharex=True, sharey="row")
    for column, kind in enumerate(SPARSITY):
        part = table[table["architecture"] == kind]
        axes[0, column].set_title(ARCHITECTURE_LABELS[kind])
        rows = ((LOSS, "learning_rate"), (LOSS, SPARSITY[kind]), (LIVE, SPARSITY[kind]))
        for row, (metric, hue) in enumerate(rows):
            draw_lines(axes[row, column], part, metric, hue=hue)
            if not part.empty and row != 1:
                key(axes[row, column], part, hue, below=-0.08 if row == 0 else -0.28)
        axes[2, column].set_xlabel("hidden size (features)")
    for row, label in enumerate((LOSS.label, LOSS.label, LIVE.label)):
        axes[row, 0].set_ylabel(label)
    return figure
