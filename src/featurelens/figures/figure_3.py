"""**Figure 3. Concept space.** **A** Every feature with a gene set that its high cells have more
of is a point (of the published filters every annotated one, as published), placed by UMAP of the
binary matrix of features by gene sets (filter:
{{ snakemake.config.get("concepts", {}).get("filter", "kept_fdr") }}), one panel per embedding.
Colour, and shape from 8 categories on, show the most frequent category (ancestor at level 1 of
an ontology) among the gene sets of a feature; the legend is in order of frequency. Distances
between clusters in a UMAP carry little meaning. **B** (where a run names probes) Features that
carry a gene set whose name contains the words in the title, in the space of the first embedding
that has annotated features. Titles count as the paper does, letter by letter, and the whole words
in brackets where that differs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import anndata
import numpy as np
from matplotlib.figure import Figure, SubFigure

from featurelens.figures.parts.concept_panels import (
    Looks,
    category_looks,
    draw_legend,
    draw_space,
    is_empty,
    legend_height,
    short_names,
)
from featurelens.figures.parts.probe_panels import draw_probes, probes_height
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {"concepts": "concepts/{first_annotated}/concepts.h5ad"}
PARAMS = {"probes": "{probes}?"}
TOGETHER = "concepts"

PAPER_PROBES = (
    "checkpoint",
    "stem cell proliferation",
    "polarity",
    "maturation",
    "autophagy",
    "JAK-STAT",
    "growth factor receptor signaling",
)
"""Substrings of GO names that the paper looks for (Figure 3B)."""


@styled
def draw(
    concepts: Mapping[str, anndata.AnnData],
    *,
    probes: Sequence[str] = PAPER_PROBES,
    probed: str | None = None,
) -> Figure:
    """Draw Figure 3.

    Parameters
    ----------
    concepts
        Embedding name to features x terms (binary), with ``obsm['X_umap']``, ``obs['label']``
        (most frequent category of the feature) and term names as ``var_names``.
    probes
        Words, or parts of words, of term names, one panel each; without any, or without
        an annotated feature, there is no B.
    probed
        The embedding whose concept space the probes are shown in; by default the first that has
        annotated features.

    Returns
    -------
    Figure
        A: one concept space per embedding, coloured by category with one legend in order of
        frequency. B: for each probe, features that carry a matching term in dark, drawn last.
    """
    looks = category_looks(concepts)
    heights = [3.0 + legend_height(looks), probes_height(len(probes))]
    shown = next((space for space in concepts.values() if not is_empty(space)), None)
    shown = concepts.get(probed) if probed is not None else shown
    if not probes or shown is None or is_empty(shown):
        heights = heights[:1]
    figure = new_figure(FULL_WIDTH, sum(heights))
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    upper, *below = parts[:, 0]
    _draw_spaces(upper, concepts, looks)
    if not below:
        return figure
    [lower] = below
    assert shown is not None
    panel_letter(draw_probes(lower, shown, probes), "B")
    return figure


def _draw_spaces(figure: SubFigure, concepts: Mapping[str, anndata.AnnData], looks: Looks) -> None:
    panels = np.atleast_1d(figure.subplots(1, max(len(concepts), 1)))
    panel_letter(panels[0], "A")
    if not concepts:
        not_in_this_run(panels[0], "no concept space")
    titles = short_names(list(concepts))
    for axes, (name, adata) in zip(panels, concepts.items(), strict=False):
        layout = "" if adata.uns.get("layout", "umap") != "pca" else ", too few for UMAP: PCA"
        axes.set_title(f"{titles[name]}: {_counted(adata)}{layout}")
        draw_space(axes, adata, looks, name=name)
    draw_legend(figure, looks)


def _counted(concepts: anndata.AnnData) -> str:
    """How many features are points, and how many are annotated where those are more."""
    n_annotated = int(concepts.uns.get("n_annotated", concepts.n_obs))
    if n_annotated == concepts.n_obs:
        return f"{concepts.n_obs:,} annotated features"
    return f"{concepts.n_obs:,} of {n_annotated:,} annotated features (terms that rise)"
