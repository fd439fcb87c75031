"""**Figure S8. Recovery by hidden size.** Best correlation of a single feature with X, Y, A and B
(size of Pearson's r, mean over the variables of a kind), and how many live features correlate
with X or Y beyond .95, on a logarithmic axis that holds no zero: a mean over those SAEs that have
any such feature. Layout as in Figure S7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import Convention
from featurelens.figures.parts.style import styled
from featurelens.figures.parts.sweep_panels import Metric, draw_metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS = {
    "points": "sweeps/{small_sweep}/points.parquet",
    "recovery": "sweeps/{small_sweep}/recovery.parquet",
}
TOGETHER = "small_sweep"

METRICS = (
    Metric("best_X", "best correlation\nwith X", limits=(0.5, 1.02)),
    Metric("n_X", "features per X", log=True),
    Metric("best_Y", "best correlation\nwith Y", limits=(0.5, 1.02)),
    Metric("n_Y", "features per Y", log=True),
    Metric("best_A", "best correlation\nwith A", limits=(0.5, 1.02)),
    Metric("best_B", "best correlation\nwith B", limits=(0.5, 1.02)),
)


@styled
def draw(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention = "corrected"
) -> Figure:
    """Draw Figure S8: best correlation and number of features for X, Y, A and B.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`.
    """
    return draw_metrics(points, recovery, METRICS, height=9.4, convention=convention)
