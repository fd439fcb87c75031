"""Figure 3: the concept space, every annotated feature placed by the terms it carries."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import anndata
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from featurelens.figures.palette import activation_map, distinct_colours
from featurelens.figures.style import (
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

_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_FEWEST_FOR_SHAPES = 13
"""From this many categories on, hue alone is not told apart and the marker varies as well."""

_UNLABELLED = "none"
_COLUMNS = 4
_MOST_LEGEND_COLUMNS = 4


@styled
def draw_figure_3(
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
        Case-sensitive substrings of term names, one panel each.
    probed
        The embedding whose concept space the probes are shown in; the first by default.

    Returns
    -------
    Figure
        A: one concept space per embedding, coloured by category with one legend in order of
        frequency. B: for each probe, features that carry a matching term in dark, drawn last.
    """
    rows = max(1, -(-len(probes) // _COLUMNS))
    looks = category_looks(concepts)
    legend_rows = -(-len(looks) // legend_columns(looks))
    height = 3.0 + 0.16 * legend_rows + 1.75 * rows
    figure = new_figure(FULL_WIDTH, height)
    halves: Any = figure.subfigures(2, 1, height_ratios=[3.0 + 0.16 * legend_rows, 1.75 * rows])
    upper, lower = halves
    _draw_spaces(upper, concepts, looks)
    shown = probed if probed is not None else next(iter(concepts), None)
    _draw_probes(lower, concepts.get(shown) if shown else None, probes, rows)
    return figure


def category_looks(concepts: Mapping[str, anndata.AnnData]) -> dict[str, tuple[str, str]]:
    """Colour and marker of every category, most frequent first; no colour occurs twice."""
    labels = [adata.obs["label"].astype(str) for adata in concepts.values()]
    if not labels:
        return {}
    counts = pd.concat(labels).value_counts()
    ordered = sorted(counts.index, key=lambda name: (name == _UNLABELLED, -counts[name], name))
    many = len(ordered) >= _FEWEST_FOR_SHAPES
    colours = distinct_colours(len(ordered))
    return {
        name: (colour, _SHAPES[position % len(_SHAPES)] if many else "o")
        for position, (name, colour) in enumerate(zip(ordered, colours, strict=True))
    }


def legend_columns(names: Collection[str]) -> int:
    """As many columns as fit beside one another, in inches at the legend's type size."""
    widest = 0.45 + 0.056 * max((len(name) for name in names), default=0)
    return int(max(1, min(_MOST_LEGEND_COLUMNS, len(names) or 1, FULL_WIDTH // widest)))


def carries(concepts: anndata.AnnData, probe: str) -> np.ndarray:
    """Which features carry a term whose name contains ``probe`` (case-sensitive), (n_features,)."""
    matching = np.array([probe in term for term in concepts.var_names], dtype=bool)
    hits = concepts.X[:, matching].sum(axis=1)
    return np.asarray(hits).ravel() > 0


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Names without the parts between slashes that all of them share, where they differ at all."""
    parts = [name.split("/") for name in names]
    if len({len(part) for part in parts}) != 1 or len(names) < 2:
        return {name: name for name in names}
    differing = [
        place for place, column in enumerate(zip(*parts, strict=True)) if len({*column}) > 1
    ]
    return {
        name: "/".join(part[place] for place in differing) or name
        for name, part in zip(names, parts, strict=True)
    }


def _draw_spaces(
    figure: SubFigure,
    concepts: Mapping[str, anndata.AnnData],
    looks: Mapping[str, tuple[str, str]],
) -> None:
    panels = np.atleast_1d(figure.subplots(1, max(len(concepts), 1)))
    panel_letter(panels[0], "A")
    if not concepts:
        not_in_this_run(panels[0], "no concept space")
    titles = short_names(list(concepts))
    for axes, (name, adata) in zip(panels, concepts.items(), strict=False):
        layout = "" if adata.uns.get("layout", "umap") != "pca" else ", too few for UMAP: PCA"
        axes.set_title(f"{titles[name]}: {adata.n_obs:,} annotated features{layout}")
        if _is_empty(adata):
            not_in_this_run(axes, f"no feature of {name} is annotated")
            continue
        _draw_space(axes, adata, looks)
    handles = [
        Line2D([], [], ls="", marker=marker, ms=5, mfc=colour, mec="none", label=name)
        for name, (colour, marker) in looks.items()
    ]
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=legend_columns(looks),
            title="most frequent category of the feature's terms", columnspacing=1.5,
            labelspacing=0.35,
        )  # fmt: skip


def _is_empty(adata: anndata.AnnData) -> bool:
    return adata.n_obs == 0 or "X_umap" not in adata.obsm


def _draw_space(axes: Axes, adata: anndata.AnnData, looks: Mapping[str, tuple[str, str]]) -> None:
    place = np.asarray(adata.obsm["X_umap"])
    labels = adata.obs["label"].astype(str).to_numpy()
    size = 1.4 * point_size(adata.n_obs)
    for name, (colour, marker) in looks.items():
        cloud(axes, *place[labels == name].T, s=size, color=colour, marker=marker, alpha=0.85)
    without_axes(axes)


def _draw_probes(
    figure: SubFigure,
    concepts: anndata.AnnData | None,
    probes: Sequence[str],
    rows: int,
) -> None:
    panels = np.atleast_1d(figure.subplots(rows, _COLUMNS)).ravel()
    panel_letter(panels[0], "B")
    if concepts is None or _is_empty(concepts) or not probes:
        not_in_this_run(panels[0], "no concept space to probe" if probes else "no probes")
        for axes in panels[1:]:
            axes.axis("off")
        return
    for axes, probe in zip(panels, probes, strict=False):
        _draw_probe(axes, concepts, probe)
    for axes in panels[len(probes) :]:
        axes.axis("off")


def _draw_probe(axes: Axes, concepts: anndata.AnnData, probe: str) -> None:
    dark = carries(concepts, probe)
    place = np.asarray(concepts.obsm["X_umap"])
    size = point_size(concepts.n_obs)
    cloud(axes, *place[~dark].T, s=size, color=BACKGROUND)
    cloud(axes, *place[dark].T, s=1.3 * size, color=activation_map()(0.75), alpha=0.9)
    axes.set_title(f"{probe}\n{int(dark.sum())} of {len(dark):,}", fontsize=7.5)
    without_axes(axes)
