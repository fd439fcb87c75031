"""**Figure S22. The concept space in two layouts.** One row an embedding. **A** UMAP with the
parameters of the paper's text, **B** with those of the author's code for multiDGD (for
Geneformer text and code agree); colours as in Figure 3. **C** Number of gene sets and **D** type
of each feature, in the layout of A. **E**, **F** Gene sets of the first embedding by the number of
features that carry them, in layers by the type of the feature, and in the colour of the gene set's
namespace (of one ontology) or category (grey: no feature's most frequent one). Which panels the
published S22 has is inferred from the author's scripts.
"""

from collections.abc import Mapping
from typing import Any

import anndata
import numpy as np
from matplotlib.figure import Figure

from featurelens.figures.parts.concept_panels import (
    Looks,
    category_looks,
    draw_legend,
    draw_space,
    is_empty,
    legend_height,
    short_names,
)
from featurelens.figures.parts.space_panels import (
    draw_counts,
    draw_frequencies,
    draw_kinds,
    draw_types,
)
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {"concepts": "concepts/{first_annotated}/concepts.h5ad"}
TOGETHER = "concepts"

_LAYOUTS = {"X_umap": "layout", "X_umap_code": "layout_code"}


@styled
def draw(concepts: Mapping[str, anndata.AnnData]) -> Figure:
    """Draw Figure S22.

    Parameters
    ----------
    concepts
        Embedding name to features x terms, of ``concepts.map_concepts``.

    Returns
    -------
    Figure
        One row an embedding. A: the configured layout, B: the layout of the author's code, both
        coloured by category; C: number of terms and D: type of a feature, in the first layout.
        Below them, E and F: features of every term of the first embedding.
    """
    looks = category_looks(concepts)
    rows = max(len(concepts), 1)
    heights = [1.75 * rows + 0.35, 0.35 + legend_height(looks), 1.9]
    figure = new_figure(FULL_WIDTH, sum(heights))
    parts: Any = figure.subfigures(3, 1, height_ratios=heights)
    panels = parts[0].subplots(rows, 4, squeeze=False)
    for axes, letter in zip(panels[0], "ABCD", strict=True):
        panel_letter(axes, letter, y=1.04)
    if not concepts:
        for axes in panels[0]:
            not_in_this_run(axes, "no concept space")
        return figure
    titles = short_names(list(concepts))
    for row, (name, adata) in zip(panels, concepts.items(), strict=True):
        _draw_row(row, adata, looks, name=name)
        row[0].set_ylabel(titles[name])
    for axes, title in zip(panels[0], _titles(concepts), strict=True):
        axes.set_title(title, fontsize=7)
    draw_legend(parts[1], looks)
    _draw_terms(parts[2], next(iter(concepts.values())), looks)
    return figure


def _draw_row(row: np.ndarray, adata: anndata.AnnData, looks: Looks, *, name: str) -> None:
    for axes, layout in zip(row[:2], _LAYOUTS, strict=True):
        draw_space(axes, adata, looks, name=name, layout=layout)
        if adata.uns.get(_LAYOUTS[layout]) == "pca":
            axes.set_xlabel("too few features for UMAP: PCA")
    if is_empty(adata):
        for axes in row[2:]:
            not_in_this_run(axes, f"no feature of {name} is annotated")
        return
    draw_counts(row[2], adata)
    draw_types(row[3], adata)


def _draw_terms(part: Any, adata: anndata.AnnData, looks: Looks) -> None:
    left, right = part.subplots(1, 2, sharey=True)
    panel_letter(left, "E", x=-0.1)
    panel_letter(right, "F", x=-0.04)
    if is_empty(adata):
        for axes in (left, right):
            not_in_this_run(axes, "no annotated feature")
        return
    draw_frequencies(left, adata)
    draw_kinds(right, adata, looks)


def _titles(concepts: Mapping[str, anndata.AnnData]) -> list[str]:
    """What the columns show; the layouts of all embeddings have the same parameters."""
    parameters = next(iter(concepts.values())).uns.get("parameters", {})
    titles = []
    for layout in _LAYOUTS:
        known = parameters.get(layout)
        titles.append(
            layout
            if known is None
            else f"min_dist {float(known['min_dist']):g}, {int(known['n_neighbors'])} neighbours,"
            f"\nspread {float(known['spread']):g}"
        )
    return [*titles, "terms of the feature", "type of the feature"]
