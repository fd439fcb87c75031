"""**Figure S15. Activations.** **A** Every live feature (columns) in every cell (rows); types with
similar features lie side by side, and features stand in the order of the type in which their mean
is highest, those that one type holds alone first. Where there are more cells or features than
points of the picture, a point is the mean of neighbours; colours end at the 99.5th percentile of
points above zero. **B** Mean activation of the same features in every cell type, over the largest
of them.
"""

from anndata import AnnData
from matplotlib.figure import Figure

from featurelens.figures.parts.activation_maps import draw_activation_maps
from featurelens.figures.parts.style import styled

INPUTS = {"features": "features/{studied}/features.h5ad"}
PARAMS = {"name": "{studied}"}
TOGETHER = "features"


@styled
def draw(features: AnnData, *, name: str) -> Figure:
    """Draw Figure S15; see :func:`draw_activation_maps`."""
    return draw_activation_maps(features, name=name)
