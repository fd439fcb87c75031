"""**Figure S10. Features per observable against recovery of observables Y.** As Figure S9."""

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
    """Draw Figure S10: features per variable of Y against best correlation.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`.
    """
    return draw_per_variable(points, recovery, group="Y", convention=convention)
