"""**Figure S30. Feature space of the second embedding.** As Figures S22 and S23, of the same SAE on
the second embedding of the same cells: Geneformer's, as in the paper, or another one where a run
has no Geneformer. **A** Annotated features by their gene sets, in the configured layout; **B**
their number of gene sets; **C** their type. **D** Live features by the rows of the matrix of
cosine similarities of their activations (published) and **E** by the similarity itself; pale grey
ones carry no gene set. **F** Gene sets by the number of features that carry them, in layers by the
type of the feature. Which panels the published S30 has is inferred from the text.
"""

from collections.abc import Mapping
from typing import Any

from anndata import AnnData
from matplotlib.figure import Figure

from featurelens.figures.figure_S23 import LAYOUTS, with_labels
from featurelens.figures.parts.concept_panels import (
    category_looks,
    draw_legend,
    draw_space,
    is_empty,
    legend_height,
)
from featurelens.figures.parts.space_panels import draw_counts, draw_frequencies, draw_types
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    NO_SECOND,
    figure_without,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {
    "concepts": "concepts/{second_concepts}/concepts.h5ad?",
    "layout": "features/{second}/map.h5ad?",
}
PARAMS = {"name": "{second_concepts}?"}
NEEDS = ("studied_concepts",)
TOGETHER = "concepts"


@styled
def draw(
    concepts: AnnData | Mapping[str, Any], layout: AnnData | Mapping[str, Any], *, name: str | None
) -> Figure:
    """Draw Figure S30.

    Parameters
    ----------
    concepts, layout
        Of :func:`featurelens.concepts.space.map_concepts` and
        :func:`featurelens.features.similarity.map_features`; nothing where the run has no second
        embedding.
    name
        Of the SAE and its collection, for the title.
    """
    if not isinstance(concepts, AnnData) or not isinstance(layout, AnnData):
        return figure_without(NO_SECOND)
    labelled = with_labels(layout, concepts)
    looks = category_looks({str(name): labelled})
    below = legend_height(looks)
    figure = new_figure(FULL_WIDTH, 4.9 + below)
    parts: Any = figure.subfigures(2, 1, height_ratios=[4.5, 0.4 + below])
    panels = parts[0].subplots(2, 3).ravel()
    for axes, letter in zip(panels, "ABCDEF", strict=True):
        panel_letter(axes, letter)
    draw_space(panels[0], concepts, looks, name=str(name))
    panels[0].set_title(f"{concepts.n_obs:,} annotated features")
    for axes, draw_one, title in (
        (panels[1], draw_counts, "terms of the feature"),
        (panels[2], draw_types, "type of the feature"),
        (panels[5], draw_frequencies, ""),
    ):
        axes.set_title(title)
        if is_empty(concepts):
            not_in_this_run(axes, "no annotated feature")
        else:
            draw_one(axes, concepts)
    for axes, key, title in zip(panels[3:5], LAYOUTS, ("published", "similarity"), strict=True):
        draw_space(axes, labelled, looks, name=str(name), layout=key)
        axes.set_title(f"{layout.n_obs:,} live features: {title}")
    parts[0].suptitle(str(name), fontsize=8)
    draw_legend(parts[1], looks)
    return figure
