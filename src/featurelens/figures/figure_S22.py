"""**Figure S22. The concept space in two layouts.** One row an embedding. **A** UMAP with the
parameters of the paper's text, **B** with those of the author's code for multiDGD (for
Geneformer text and code agree); colours as in Figure 3. **C** Number of gene sets and **D** type
of each feature, in the layout of A. Which panels the published S22 has is inferred from the
author's scripts.
"""

from collections.abc import Mapping
from typing import Any

import anndata
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from featurelens.figures.parts.concept_panels import (
    Looks,
    category_looks,
    draw_legend,
    draw_space,
    is_empty,
    legend_height,
    short_names,
)
from featurelens.figures.parts.palette import activation_map, distinct_colours
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    cloud,
    new_figure,
    not_in_this_run,
    panel_letter,
    point_size,
    styled,
    without_axes,
)

INPUTS = {"concepts": "concepts/{first_annotated}/concepts.h5ad"}
TOGETHER = "concepts"

_TYPES = ("global", "regional", "local")
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
    """
    looks = category_looks(concepts)
    rows = max(len(concepts), 1)
    heights = [1.75 * rows + 0.35, 0.35 + legend_height(looks)]
    figure = new_figure(FULL_WIDTH, sum(heights))
    parts: Any = figure.subfigures(2, 1, height_ratios=heights)
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
    _draw_counts(row[2], adata)
    _draw_types(row[3], adata)


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


def _draw_counts(axes: Axes, adata: anndata.AnnData) -> None:
    counts = adata.obs["n_terms"].to_numpy(dtype=float)
    order = np.argsort(counts, kind="stable")
    place = np.asarray(adata.obsm["X_umap"])[order]
    points = cloud(
        axes, *place.T, s=1.4 * point_size(adata.n_obs), c=counts[order], cmap=activation_map(),
        vmin=0, vmax=max(counts.max(), 1),
    )  # fmt: skip
    bar = axes.figure.colorbar(points, ax=axes, shrink=0.6, aspect=14, pad=0.02)
    bar.outline.set_visible(False)
    without_axes(axes)


def _draw_types(axes: Axes, adata: anndata.AnnData) -> None:
    place = np.asarray(adata.obsm["X_umap"])
    types = adata.obs["type"].astype(str).to_numpy()
    handles = []
    for kind, colour in zip(_TYPES, distinct_colours(len(_TYPES)), strict=True):
        chosen = types == kind
        if chosen.any():
            size = 1.4 * point_size(adata.n_obs)
            cloud(axes, *place[chosen].T, s=size, color=colour, alpha=0.85)
            handles.append(
                Line2D([], [], ls="", marker="o", ms=4, mfc=colour, mec="none", label=kind)
            )
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=len(handles) or 1,
        columnspacing=0.8, handletextpad=0.1, fontsize=6.5,
    )  # fmt: skip
    without_axes(axes)
