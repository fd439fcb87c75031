"""**Figure S23. Features by the cells that activate them.** Every live feature is a point; colour,
and shape from 8 categories on, show the most frequent category of its gene sets as in Figure 3,
pale grey those without one. **A** As published: UMAP (min_dist 0.5, 15 neighbours) of the rows of
the matrix of cosine similarities between the features' activations; the author set no seed, here
it is 0. **B** The same UMAP by the similarity itself: two features are near if the same cells
activate them.
"""

from typing import Any

import anndata
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from featurelens.figures.parts.concept_panels import (
    category_looks,
    draw_legend,
    draw_space,
    legend_height,
)
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    figure_without,
    new_figure,
    panel_letter,
    styled,
)

INPUTS = {
    "layout": "features/{studied}/map.h5ad",
    "concepts": "concepts/{studied_concepts}/concepts.h5ad",
}
PARAMS = {"name": "{studied}"}
TOGETHER = "concepts"

NOT_ANNOTATED = "none"
LAYOUTS = {
    "X_umap_published": "rows of the matrix of similarities (published)",
    "X_umap": "cosine similarity itself",
}


@styled
def draw(layout: anndata.AnnData, concepts: anndata.AnnData, *, name: str) -> Figure:
    """Draw Figure S23.

    Parameters
    ----------
    layout
        Of :func:`featurelens.features.similarity.map_features`.
    concepts
        Of :func:`featurelens.concepts.space.map_concepts`, for the labels.
    name
        Of the SAE, for the title.
    """
    if not layout.n_obs:
        return figure_without("no cell activates any feature")
    labelled = with_labels(layout, concepts)
    looks = category_looks({name: labelled})
    below = legend_height(looks)
    figure = new_figure(FULL_WIDTH, 3.7 + below)
    parts: Any = figure.subfigures(2, 1, height_ratios=[3.4, 0.3 + below])
    panels = parts[0].subplots(1, 2)
    for axes, letter, (key, title) in zip(panels, "AB", LAYOUTS.items(), strict=True):
        draw_space(axes, labelled, looks, name=name, layout=key)
        axes.set_title(title)
        panel_letter(axes, letter)
    n_annotated = int((labelled.obs["label"] != NOT_ANNOTATED).sum())
    parts[0].suptitle(
        f"{name}: {layout.n_obs:,} live features, {n_annotated:,} with gene sets", fontsize=8
    )
    draw_legend(parts[1], looks)
    return figure


def with_labels(layout: anndata.AnnData, concepts: anndata.AnnData) -> anndata.AnnData:
    """The map with ``obs['label']``, "none" for features that carry no gene set."""
    labels = pd.Series(concepts.obs["label"].astype(str), index=concepts.obs_names)
    found = labels.reindex(layout.obs_names).fillna(NOT_ANNOTATED)
    return anndata.AnnData(
        obs=layout.obs.assign(label=np.asarray(found, dtype=object)),
        obsm=dict(layout.obsm),
        uns=dict(layout.uns),
    )
