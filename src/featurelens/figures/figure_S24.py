"""**Figure S24. Chosen features among all.** Features that Figure 2 shows, chosen by rule
(selected.tsv), where they lie: **A** in the concept space of Figure 3, among the annotated
features; **B** in the map of Figure S23 by cosine similarity, among all live ones. Each is named
with the cell type that it was chosen for. What carries no gene set is not in A, and is said below.
"""

import textwrap

import anndata
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from featurelens.figures.parts.concept_panels import is_empty
from featurelens.figures.parts.marks import draw_marked
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {
    "concepts": "concepts/{studied_concepts}/concepts.h5ad",
    "layout": "features/{studied}/map.h5ad",
    "selected": "steering/{studied_steered}/selected.tsv",
}
TOGETHER = "concepts"

_WIDTH = 22


@styled
def draw(concepts: anndata.AnnData, layout: anndata.AnnData, selected: pd.DataFrame) -> Figure:
    """Draw Figure S24.

    Parameters
    ----------
    concepts
        Of :func:`featurelens.concepts.space.map_concepts`.
    layout
        Of :func:`featurelens.features.similarity.map_features`.
    selected
        Columns feature, role and cell_type.
    """
    figure = new_figure(FULL_WIDTH, 3.4)
    panels = figure.subplots(1, 2)
    spaces = (
        (concepts, "annotated features", "no feature is annotated"),
        (layout, "live features", "no cell activates any feature"),
    )
    names = chosen_names(selected)
    for axes, letter, (space, title, reason) in zip(panels, "AB", spaces, strict=True):
        panel_letter(axes, letter)
        axes.set_title(f"{space.n_obs:,} {title}")
        if is_empty(space):
            not_in_this_run(axes, reason)
            continue
        _draw_space(axes, space, names)
    return figure


def chosen_names(selected: pd.DataFrame) -> dict[str, str]:
    """Chosen features, the global ones first, and what stands beside each."""
    ordered = selected.assign(feature=selected["feature"].astype(str))
    ordered = ordered.sort_values("role", kind="stable").drop_duplicates("feature")
    return {
        row["feature"]: f"{row['feature']} ({row['role']})\n"
        + textwrap.shorten(str(row["cell_type"]), _WIDTH, placeholder=" …")
        for row in ordered.to_dict("records")
    }


def _draw_space(axes: Axes, space: anndata.AnnData, names: dict[str, str]) -> None:
    rows = space.obs_names.get_indexer(list(names))
    marked = {int(row): text for row, text in zip(rows, names.values(), strict=True) if row >= 0}
    draw_marked(axes, np.asarray(space.obsm["X_umap"]), marked)
    left = [name for row, name in zip(rows, names, strict=True) if row < 0]
    if left:
        axes.set_xlabel(f"not here: {', '.join(left)}", fontsize=6.5, color=MUTED)
