"""**{{ snakemake.wildcards.dataset }}/{{ snakemake.wildcards.model }}.** **A** Cells of the
embedding, laid out by UMAP, types by colour and, where there are many, by shape. **B** Activation
of six annotated features, one per cell type in turn and within a type the one with the largest
effect; grey cells do not activate it. Titles name the cell type that holds more than half of the
feature's activation, with its share, and the terms that go up
({{ snakemake.wildcards.collection }}, corrected) and how many more there are; below each panel
stand the genes that rise most.
"""

import textwrap
from typing import Any

import anndata
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from featurelens.features import lists
from featurelens.features.annotated import choose_features
from featurelens.features.main_type import describe_type
from featurelens.figures.parts.concept_panels import looks_of
from featurelens.figures.parts.palette import activation_map
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    cloud,
    new_figure,
    not_in_this_run,
    panel_letter,
    point_size,
    styled,
    without_axes,
)

INPUTS = {
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
    "table": "tables/features/{dataset}/{model}/{sae}/{collection}.tsv",
    "layout": "embeddings/{dataset}/{model}/layout.h5ad",
}

N_FEATURES = 6
_TITLE_WIDTH = 36
_MOST_TERMS = 2
_MOST_TYPES = 24
"""Cell types in the legend; the rarest of more are one entry."""


@styled
def draw(
    features: anndata.AnnData,
    table: pd.DataFrame,
    layout: anndata.AnnData,
    *,
    n_features: int = N_FEATURES,
) -> Figure:
    """Draw an embedding and its best annotated features.

    Parameters
    ----------
    features
        Cells x features.
    table
        Of :func:`featurelens.features.annotated.annotated_features`.
    layout
        The same cells with ``obsm['X_umap']``, (n_cells, 2); without it, the first two principal
        components in the features' ``obsm['X_pca']`` are drawn.
    n_features
        Most features that are shown.

    Returns
    -------
    Figure
        A: cells by type. B: activation of the features of
        :func:`featurelens.features.annotated.choose_features`.
    """
    figure = new_figure(FULL_WIDTH, 6.2)
    halves: Any = figure.subfigures(2, 1, height_ratios=[1, 1.45])
    upper, lower = halves
    place = np.asarray(layout.obsm.get("X_umap", features.obsm["X_pca"]))
    _draw_types(upper, features.obs["cell_type"], place)
    panels = lower.subplots(2, max(1, -(-n_features // 2))).ravel()
    panel_letter(panels[0], "B", y=1.18)
    chosen = choose_features(table, n_features)
    if chosen.empty:
        not_in_this_run(panels[0], "no feature carries a term")
    for axes, (_, row) in zip(panels, chosen.iterrows(), strict=False):
        _draw_feature(lower, axes, features, row, place)
    for axes in panels[max(len(chosen), 1) :]:
        axes.axis("off")
    return figure


def _draw_types(figure: Any, cell_types: pd.Series, place: np.ndarray) -> None:
    axes = figure.subplots()
    panel_letter(axes, "A")
    labels = cell_types.astype(str).to_numpy()
    sizes = pd.Series(labels).value_counts()
    named = sizes.index[:_MOST_TYPES]
    looks = looks_of(list(named))
    rest = ~np.isin(labels, named)
    size = point_size(len(labels))
    cloud(axes, *place[rest].T, s=size, color=BACKGROUND)
    for name, (colour, marker) in looks.items():
        cloud(axes, *place[labels == name].T, s=size, color=colour, marker=marker, alpha=0.85)
    without_axes(axes)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title(f"{len(labels):,} cells, {len(sizes)} types")
    entries = {f"{name} ({sizes[name]:,})": look for name, look in looks.items()}
    if rest.any():
        entries[f"{len(sizes) - len(named)} other types ({rest.sum():,})"] = (BACKGROUND, "o")
    handles = [
        Line2D([], [], ls="", marker=marker, ms=5, mfc=colour, mec="none", label=label)
        for label, (colour, marker) in entries.items()
    ]
    axes.legend(
        handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5),
        ncols=1 + len(handles) // 13, title="cell type (cells)",
    )  # fmt: skip


def _draw_feature(
    figure: Any, axes: Axes, features: anndata.AnnData, row: pd.Series, place: np.ndarray
) -> None:
    column = features[:, str(row["feature"])].X
    activation = np.asarray(column.todense() if hasattr(column, "todense") else column).ravel()
    order = np.argsort(activation, kind="stable")
    order = order[activation[order] > 0]
    highest = float(activation.max()) or 1.0
    size = point_size(len(activation))
    cloud(axes, *place[activation == 0].T, s=0.7 * size, color=BACKGROUND)
    points = cloud(
        axes, *place[order].T, c=activation[order], s=size, cmap=activation_map(),
        vmin=0.0, vmax=highest,
    )  # fmt: skip
    axes.set_title(_title(row), fontsize=7, loc="left")
    axes.text(
        0.0, 0.0, _genes(row), transform=axes.transAxes, ha="left", va="top", fontsize=6,
        color=MUTED,
    )  # fmt: skip
    without_axes(axes)
    axes.set_aspect("equal", adjustable="datalim")
    bar = figure.colorbar(points, ax=axes, fraction=0.04, aspect=18, pad=0.01, shrink=0.5)
    bar.outline.set_visible(False)
    bar.set_ticks([0.0, highest])
    bar.set_ticklabels(["0", f"{highest:.2g}"])
    bar.ax.tick_params(length=0, pad=1.5, labelsize=6)


def _title(row: pd.Series) -> str:
    head = f"Feature {row['feature']}: {row['type']}, {describe_type(row)}"
    kept = head.replace(" %", "\N{NO-BREAK SPACE}%")  # a number and its sign on one line
    first = [line.replace("\N{NO-BREAK SPACE}", " ") for line in textwrap.wrap(kept, _TITLE_WIDTH)]
    return "\n".join([*first, *_term_lines(lists.entries(row["shown_terms"]), row["n_shown"])])


def _term_lines(terms: list[str], count: int) -> list[str]:
    """As many terms as fit on two lines, whole, and how many more there are."""
    for shown in range(min(_MOST_TERMS, len(terms)), 0, -1):
        more = f" (+{count - shown})" if count > shown else ""
        lines = textwrap.wrap(lists.join(terms[:shown]) + more, _TITLE_WIDTH)
        if len(lines) <= 2:
            break
    return lines


def _genes(row: pd.Series) -> str:
    up = str(row["up_genes"]) if isinstance(row["up_genes"], str) else ""
    return "up: " + ", ".join(lists.entries(up)[:4]) if up else "no gene up"
