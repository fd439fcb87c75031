"""**Figure S25. Further words in the concept space.** Features that carry a gene set whose name
contains the words in the title, in the concept space of Figure 3. Titles count as the paper does,
letter by letter, and the whole words in brackets where that differs. Which words the published
S25 shows is inferred from the text.
"""

from collections.abc import Sequence

import anndata
from matplotlib.figure import Figure

from featurelens.figures.parts.concept_panels import is_empty
from featurelens.figures.parts.probe_panels import draw_probes, probes_height
from featurelens.figures.parts.style import FULL_WIDTH, figure_without, new_figure, styled

INPUTS = {"concepts": "concepts/{studied_concepts}/concepts.h5ad"}
PARAMS = {"probes": "{further_probes}"}
TOGETHER = "concepts"


@styled
def draw(concepts: anndata.AnnData, *, probes: Sequence[str]) -> Figure:
    """Draw Figure S25.

    Parameters
    ----------
    concepts
        Features x terms, of :func:`featurelens.concepts.space.map_concepts`.
    probes
        Words, one panel each.
    """
    if is_empty(concepts):
        return figure_without("no feature is annotated")
    figure = new_figure(FULL_WIDTH, probes_height(len(probes)))
    draw_probes(figure, concepts, probes)
    return figure
