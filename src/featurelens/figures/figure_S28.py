"""**Figure S28. Features of the second embedding.** As Figures S16 to S18, of the same SAE on the
second embedding of the same cells: Geneformer's, as in the paper, or another one where a run has
no Geneformer. **A**, **B** Live features by mean and highest activation and by the cells that
activate them, by their type under the published and the corrected rule. **C** Local features of
every cell type. **D** Active features of the cells of every type: quartiles, 5th and 95th
percentile, mean with its 95 % interval. Which panels the published S28 has is inferred.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from anndata import AnnData
from matplotlib.figure import Figure

from featurelens.figures.parts.cell_types import (
    active_features,
    draw_active,
    draw_local_bars,
    height_of,
)
from featurelens.figures.parts.feature_types import draw_both_rules
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    NO_SECOND,
    figure_without,
    new_figure,
    panel_letter,
    styled,
)

INPUTS = {"features": "features/{second}/features.h5ad?", "table": "tables/local_features.tsv"}
PARAMS = {"name": "{second}?"}
NEEDS = ("studied",)
TOGETHER = "features"


@styled
def draw(features: AnnData | Mapping[str, Any], table: pd.DataFrame, *, name: str | None) -> Figure:
    """Draw Figure S28.

    Parameters
    ----------
    features
        Of the second embedding; nothing where the run has none.
    table
        ``tables/local_features.tsv``.
    name
        The SAE that is shown.
    """
    if not isinstance(features, AnnData):
        return figure_without(NO_SECOND)
    active = active_features(features)
    lower = max(2.4, height_of(len(active)))
    figure = new_figure(FULL_WIDTH, 4.0 + lower)
    halves: Any = figure.subfigures(2, 1, height_ratios=[4.0, lower])
    draw_both_rules(halves[0], features.var, name=str(name))
    left, right = halves[1].subplots(1, 2)
    draw_local_bars(left, table[table["sae"] == name])
    draw_active(right, active)
    panel_letter(left, "C", x=-0.25)
    panel_letter(right, "D", x=-0.5)
    return figure
