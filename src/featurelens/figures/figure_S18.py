"""**Figure S18. Active features of the cells of every type.** How many features a cell activates
(above 1e-10, as the author counts): boxes from the first to the third quartile, whiskers from the
5th to the 95th percentile, the median as a line and the mean with its 95 % interval as a
diamond. Numbers of cells in brackets; types in the order of their medians. (A TopK SAE activates
the same number in every cell that has so many positive values.)
"""

from anndata import AnnData
from matplotlib.figure import Figure

from featurelens.figures.parts.cell_types import active_features, draw_active, height_of
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, styled

INPUTS = {"features": "features/{studied}/features.h5ad"}
PARAMS = {"name": "{studied}"}
TOGETHER = "features"


@styled
def draw(features: AnnData, *, name: str) -> Figure:
    """Draw Figure S18.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    name
        Of the SAE, for the title.
    """
    table = active_features(features)
    figure = new_figure(FULL_WIDTH, height_of(len(table)))
    axes = figure.subplots()
    draw_active(axes, table)
    live = int((features.var["n_active"] > 0).sum())
    axes.set_title(f"{name}: {features.n_obs:,} cells, {live:,} live features", loc="left")
    return figure
