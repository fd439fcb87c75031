"""**Figure S27. Activations on the second embedding.** As Figure S15, of the same SAE on the second
embedding of the same cells: Geneformer's, as in the paper, or another one where a run has no
Geneformer. Which panels the published S27 has is inferred from the text.
"""

from collections.abc import Mapping
from typing import Any

from anndata import AnnData
from matplotlib.figure import Figure

from featurelens.figures.parts.activation_maps import draw_activation_maps
from featurelens.figures.parts.style import NO_SECOND, figure_without, styled

INPUTS = {"features": "features/{second}/features.h5ad?"}
PARAMS = {"name": "{second}?"}
NEEDS = ("studied",)
TOGETHER = "features"


@styled
def draw(features: AnnData | Mapping[str, Any], *, name: str | None) -> Figure:
    """Draw Figure S27; see :func:`draw_activation_maps`. Without features it says what lacks."""
    if not isinstance(features, AnnData):
        return figure_without(NO_SECOND)
    return draw_activation_maps(features, name=str(name))
