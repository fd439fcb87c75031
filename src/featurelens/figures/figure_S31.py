"""**Figure S31. Words in the concept space of the second embedding.** Features that carry a gene
set whose name contains the words in the title, those of Figures 3B and S25, in the concept space
of the second embedding of the same cells: Geneformer's, as in the paper, or another one where a
run has no Geneformer. The paper finds that they cluster less than multiDGD's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import anndata
from matplotlib.figure import Figure

from featurelens.figures.parts.concept_panels import is_empty
from featurelens.figures.parts.probe_panels import draw_probes, probes_height
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    NO_SECOND,
    figure_without,
    new_figure,
    styled,
)

INPUTS = {"concepts": "concepts/{second_concepts}/concepts.h5ad?"}
PARAMS = {"probes": "{all_probes}", "name": "{second_concepts}?"}
NEEDS = ("studied_concepts",)
TOGETHER = "concepts"


@styled
def draw(
    concepts: anndata.AnnData | Mapping[str, Any], *, probes: Sequence[str], name: str | None
) -> Figure:
    """Draw Figure S31.

    Parameters
    ----------
    concepts
        Features x terms; nothing where the run has no second embedding.
    probes
        Words, one panel each.
    name
        Of the SAE and its collection, for the title.
    """
    if not isinstance(concepts, anndata.AnnData):
        return figure_without(NO_SECOND)
    if is_empty(concepts):
        return figure_without(f"no feature of {name} is annotated")
    figure = new_figure(FULL_WIDTH, probes_height(len(probes)) + 0.2)
    draw_probes(figure, concepts, probes)
    figure.suptitle(f"{name}: {concepts.n_obs:,} annotated features", fontsize=8, x=0.01, ha="left")
    return figure
