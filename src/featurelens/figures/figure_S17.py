"""**Figure S17. Local features of every cell type.** **A** Features that are significant in one
cell type alone, by that type, under the published and the corrected rule; legends give their sum.
**B** The same numbers against the number of cells of the type, with their rank correlations.
"""

import pandas as pd
from matplotlib.figure import Figure

from featurelens.figures.parts.cell_types import draw_local_bars, draw_local_scatter, height_of
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, panel_letter, styled

INPUTS = {"table": "tables/local_features.tsv"}
PARAMS = {"name": "{studied}"}
TOGETHER = "features"


@styled
def draw(table: pd.DataFrame, *, name: str) -> Figure:
    """Draw Figure S17.

    Parameters
    ----------
    table
        ``tables/local_features.tsv``.
    name
        The SAE that is shown.
    """
    own = table[table["sae"] == name]
    figure = new_figure(FULL_WIDTH, max(2.6, height_of(own["cell_type"].nunique())))
    left, right = figure.subplots(1, 2, width_ratios=[1.1, 1])
    draw_local_bars(left, own)
    draw_local_scatter(right, own)
    left.set_title(name, loc="left")
    panel_letter(left, "A", x=-0.35)
    panel_letter(right, "B", x=-0.12)
    return figure
