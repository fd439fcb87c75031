"""**Figure S16. How active features are.** Live features by their mean activation over all cells,
their highest activation and the number of cells that activate them; colour is the type of the
feature. **A** by the published rule of locality (mean in a cell type above that elsewhere by 1.96
times the sum of both standard errors), **B** by the corrected one. The legends give the number of
features. (The author's third panel counts regional features among the dead.)
"""

from anndata import AnnData
from matplotlib.figure import Figure

from featurelens.conventions import CONVENTIONS
from featurelens.figures.parts.feature_types import RULES, draw_histograms, type_handles
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, panel_letter, styled

INPUTS = {"features": "features/{studied}/features.h5ad"}
PARAMS = {"name": "{studied}"}
TOGETHER = "features"


@styled
def draw(features: AnnData, *, name: str) -> Figure:
    """Draw Figure S16.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`, of which var is read.
    name
        Of the SAE, for the title.
    """
    figure = new_figure(FULL_WIDTH, 4.4)
    panels = figure.subplots(2, 3, sharey=True, sharex="col")
    for row, letter, convention in zip(panels, "AB", CONVENTIONS, strict=True):
        draw_histograms(row, features.var, convention)
        row[2].legend(
            handles=type_handles(features.var, convention), loc="lower right", ncols=3,
            bbox_to_anchor=(1.0, 1.0), borderaxespad=0.3, handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip
        row[0].set_title(f"{name}, {RULES[convention]}", loc="left")
        panel_letter(row[0], letter, x=-0.15)
    for axes in panels[0]:
        axes.set_xlabel("")
    return figure
