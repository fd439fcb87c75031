"""**Figure S16. How active features are.** Live features by their mean activation over all cells,
their highest activation and the number of cells that activate them; colour is the type of the
feature. **A** by the published rule of locality (mean in a cell type above that elsewhere by 1.96
times the sum of both standard errors), **B** by the corrected one. The legends give the number of
features. (The author's third panel counts regional features among the dead.)
"""

from anndata import AnnData
from matplotlib.figure import Figure

from featurelens.figures.parts.feature_types import draw_both_rules
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, styled

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
    draw_both_rules(figure, features.var, name=name)
    return figure
