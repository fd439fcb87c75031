"""**Figure S9. Features per program against recovery of programs X.** Every run at learning rate
1e-4 or the nearest one; colour is the hidden size, marker the sparsity. The lower row enlarges
the grey box, one to ten features and a correlation above .95, from which the paper chooses its
hyperparameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import Convention
from featurelens.figures.parts.style import styled
from featurelens.figures.parts.variable_panels import draw_per_variable

if TYPE_CHECKING:
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
    """Draw Figure S9: features per variable of X against best correlation.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`.
    """
    return draw_per_variable(points, recovery, group="X", convention=convention)
