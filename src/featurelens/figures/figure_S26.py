"""**Figure S26. Two embeddings of the same cells.** Above the one of the other figures, below the
second: Geneformer's, as in the paper, or another one where a run has no Geneformer. First two
principal components and UMAP (scanpy's neighbours and defaults) by cell type, UMAP by batch. Of
more than 20,000 cells as many are drawn, at random.
"""

from collections.abc import Mapping
from typing import Any

import anndata
import numpy as np
from matplotlib.figure import Figure

from featurelens.figures.parts.cell_clouds import draw_labelled, drawn_cells, label_looks
from featurelens.figures.parts.concept_panels import Looks, draw_legend, legend_height
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    NO_SECOND,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {
    "features": "features/{studied}/features.h5ad",
    "layout": "embeddings/{studied.embedding}/layout.h5ad",
    "second_features": "features/{second}/features.h5ad?",
    "second_layout": "embeddings/{second.embedding}/layout.h5ad?",
}
PARAMS = {"name": "{studied.embedding}", "second": "{second.embedding}?"}
TOGETHER = "features"

_VIEWS = ("principal components, by type", "UMAP, by type", "UMAP, by batch")


@styled
def draw(
    features: anndata.AnnData,
    layout: anndata.AnnData,
    second_features: anndata.AnnData | Mapping[str, Any],
    second_layout: anndata.AnnData | Mapping[str, Any],
    *,
    name: str,
    second: str | None,
) -> Figure:
    """Draw Figure S26.

    Parameters
    ----------
    features, layout
        Cells with ``obsm['X_pca']``, types and batches, and with ``obsm['X_umap']``.
    second_features, second_layout
        The same of the second embedding; nothing where the run has none.
    name, second
        Of the embeddings.
    """
    types = label_looks(features.obs["cell_type"].astype(str))
    batches = label_looks(features.obs["batch"].astype(str))
    has_second = isinstance(second_features, anndata.AnnData)
    heights = [2.4, 2.4 if has_second else 0.9]
    heights += [legend_height(looks) + 0.3 for looks in (types, batches)]
    figure = new_figure(FULL_WIDTH, sum(heights))
    parts: Any = figure.subfigures(4, 1, height_ratios=heights)
    _draw_row(parts[0], features, layout, types, batches, title=name, letter="A")
    if isinstance(second_features, anndata.AnnData):
        _draw_row(
            parts[1], second_features, second_layout, types, batches, title=str(second), letter="B"
        )
    else:
        axes = parts[1].subplots()
        panel_letter(axes, "B")
        not_in_this_run(axes, NO_SECOND)
    draw_legend(parts[2], types, title="cell type")
    if len(batches) > 1:
        draw_legend(parts[3], batches, title="batch")
    return figure


def _draw_row(
    part: Any,
    features: anndata.AnnData,
    layout: anndata.AnnData | Mapping[str, Any],
    types: Looks,
    batches: Looks,
    *,
    title: str,
    letter: str,
) -> None:
    cells = drawn_cells(features.n_obs)
    kind, batch = (
        features.obs[column].astype(str).to_numpy()[cells] for column in ("cell_type", "batch")
    )
    umap = layout.obsm.get("X_umap") if isinstance(layout, anndata.AnnData) else None
    panels = part.subplots(1, 3)
    panel_letter(panels[0], letter)
    views = ((features.obsm["X_pca"], kind, types), (umap, kind, types), (umap, batch, batches))
    for axes, view, (place, labels, looks) in zip(panels, _VIEWS, views, strict=True):
        axes.set_title(view)
        missing = "a layout, which needs four cells" if place is None else ""
        if len(looks) == 1 and looks is batches:
            missing = "batches of cells"
        if place is None or missing:
            not_in_this_run(axes, missing)
            continue
        draw_labelled(axes, np.asarray(place)[cells], labels, looks)
    dimensions = features.obsm["X_emb"].shape[1]
    about = f"{title}: {features.n_obs:,} cells, {dimensions} dimensions"
    part.suptitle(about, fontsize=8, x=0.04, ha="left")
