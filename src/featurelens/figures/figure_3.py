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
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from featurelens.concepts.probes import matches
from featurelens.conventions import Convention
from featurelens.figures.parts.concept_panels import (
    Looks,
    category_looks,
    draw_legend,
    draw_space,
    is_empty,
    legend_height,
    short_names,
)
from featurelens.figures.parts.palette import activation_map
from featurelens.figures.parts.style import (
    BACKGROUND,
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

_COLUMNS = 4
_FOUND = {
    "as words": to_hex(activation_map()(0.75)),
    "only within other words": "#e88f5f",
    "only in other letter case": "#4477aa",
}
"""Features that a probe finds, by how: published finds the first two, corrected first and last."""


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
    rows = max(1, -(-len(probes) // _COLUMNS))
    looks = category_looks(concepts)
    heights = [3.0 + legend_height(looks), 1.75 * rows + 0.4]
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
    _draw_probes(lower, shown, probes, rows)
    return figure


def carries(
    concepts: anndata.AnnData, probe: str, convention: Convention = "published"
) -> np.ndarray:
    """Which features carry a term that ``concept_tables.matches`` a probe, (n_features,)."""
    found = matches(list(concepts.var_names), probe, convention)
    return np.asarray(concepts.X[:, found].sum(axis=1)).ravel() > 0


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


def _draw_probes(
    figure: SubFigure, concepts: anndata.AnnData, probes: Sequence[str], rows: int
) -> None:
    panels = np.atleast_1d(figure.subplots(rows, _COLUMNS)).ravel()
    panel_letter(panels[0], "B")
    found = set()
    for axes, probe in zip(panels, probes, strict=False):
        found |= _draw_probe(axes, concepts, probe)
    for axes in panels[len(probes) :]:
        axes.axis("off")
    figure.legend(
        handles=[
            Line2D([], [], ls="", marker="o", ms=5, mfc=colour, mec="none", label=label)
            for label, colour in _FOUND.items()
            if label in found
        ],
        loc="outside lower center",
        ncols=len(_FOUND),
        title="the name of some term of the feature contains the words of the title",
    )


def _draw_probe(axes: Axes, concepts: anndata.AnnData, probe: str) -> set[str]:
    """Draw one probe and say in which ways it was found."""
    as_letters = carries(concepts, probe, "published")
    as_words = carries(concepts, probe, "corrected")
    place = np.asarray(concepts.obsm["X_umap"])
    size = point_size(concepts.n_obs)
    cloud(axes, *place[~(as_letters | as_words)].T, s=size, color=BACKGROUND)
    ways = (as_letters & as_words, as_letters & ~as_words, as_words & ~as_letters)
    found = {way: chosen for way, chosen in zip(_FOUND, ways, strict=True) if chosen.any()}
    for way, chosen in found.items():
        cloud(axes, *place[chosen].T, s=1.3 * size, color=_FOUND[way], alpha=0.9)
    n_letters, n_words = int(as_letters.sum()), int(as_words.sum())
    words = "" if n_words == n_letters else f" ({n_words:,} as words)"
    axes.set_title(f"{probe}\n{n_letters:,} of {concepts.n_obs:,}{words}", fontsize=7.5)
    without_axes(axes)
    return set(found)
