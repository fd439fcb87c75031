"""**Figure S7. Sparsity by hidden size.** Loss, share of dead features, active features per cell,
and best correlation of a single feature with X (size of Pearson's r), at learning rate 1e-4 or
the nearest one. First column: all architectures, with bootstrapped 95 % intervals over sparsity;
other columns: one architecture by its sparsity. Active features stand on a logarithmic axis that
holds no zero: a mean over those SAEs that have any. As in the paper, TopK with k = 1 % is left out.
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
    Metric("loss", "training loss", log=True),
    Metric("share_dead", "share of dead features", limits=(-0.03, 1.02)),
    Metric("mean_active", "active features per cell", log=True),
    Metric("best_X", "best correlation with X", limits=(0.5, 1.02)),
)


@styled
def draw(
    points: pd.DataFrame, recovery: pd.DataFrame, *, convention: Convention = "corrected"
) -> Figure:
    """Draw Figure S7: loss, dead and active features, recovery of X, for every architecture.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`.
    """
    return draw_metrics(points, recovery, METRICS, height=7.2, convention=convention)
