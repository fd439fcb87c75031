"""Features in the concept space by what they carry and what they are (Figures S22 and S30)."""

from collections.abc import Iterable

import anndata
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy import sparse

from featurelens.figures.parts.concept_panels import Looks, mark_counts
from featurelens.figures.parts.feature_types import FEATURE_TYPES, TYPE_COLOURS
from featurelens.figures.parts.palette import activation_map
from featurelens.figures.parts.style import cloud, point_size, without_axes

_MANY_TERMS = 200
"""More terms are ranked on a logarithmic axis."""


def draw_counts(axes: Axes, adata: anndata.AnnData) -> None:
    """Number of terms of every feature."""
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


def draw_types(axes: Axes, adata: anndata.AnnData) -> None:
    """Type of every feature, the rarer types on top."""
    place = np.asarray(adata.obsm["X_umap"])
    types = adata.obs["type"].astype(str).to_numpy()
    shown = [kind for kind in FEATURE_TYPES if (types == kind).any()]
    for kind in sorted(shown, key=lambda kind: -(types == kind).sum()):
        cloud(
            axes, *place[types == kind].T, s=1.4 * point_size(adata.n_obs),
            color=TYPE_COLOURS[kind], alpha=0.85,
        )  # fmt: skip
    _key(axes, {kind: TYPE_COLOURS[kind] for kind in shown})
    without_axes(axes)


def features_per_term(adata: anndata.AnnData) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Terms by falling number of features, and how many of those are of each type.

    Returns
    -------
    order, counts
        (n_terms,) places of the terms, ties by name; by type of feature (n_terms,) numbers in
        that order.
    """
    X = sparse.csr_matrix(adata.X)
    total = np.asarray(X.sum(axis=0)).ravel()
    order = np.lexsort((adata.var_names.to_numpy(dtype=str), -total))
    types = adata.obs["type"].astype(str).to_numpy()
    counts = {
        kind: np.asarray(X[types == kind].sum(axis=0)).ravel()[order] for kind in FEATURE_TYPES
    }
    return order, counts


def draw_frequencies(axes: Axes, adata: anndata.AnnData) -> None:
    """Features of every term, in layers by their type."""
    _, counts = features_per_term(adata)
    shown = {kind: values for kind, values in counts.items() if values.any()}
    below = np.zeros(adata.n_vars)
    for kind, values in shown.items():
        _layer(axes, below, below + values, TYPE_COLOURS[kind])
        below = below + values
    _rank_axes(axes, adata.n_vars)
    axes.set_ylabel("features with\nthe term")
    _inside_key(axes, {kind: TYPE_COLOURS[kind] for kind in shown}, "type of the feature")


def draw_kinds(axes: Axes, adata: anndata.AnnData, looks: Looks) -> None:
    """Features of every term in the colour of its namespace, or else of its category."""
    order, counts = features_per_term(adata)
    total = np.sum(list(counts.values()), axis=0)
    spaces = adata.var.get("namespace")
    by_space = spaces is not None and (spaces.astype(str) != "").any()
    kinds = adata.var["namespace" if by_space else "category"].astype(str).to_numpy()[order]
    colours = (
        dict(zip(sorted(set(kinds)), TYPE_COLOURS.values(), strict=False))
        if by_space
        else {kind: looks[kind][0] for kind in dict.fromkeys(kinds) if kind in looks}
    )
    for kind, colour in colours.items():
        _layer(axes, np.zeros(len(order)), np.where(kinds == kind, total, 0), colour)
    left = ~np.isin(kinds, list(colours))
    if left.any():
        _layer(axes, np.zeros(len(order)), np.where(left, total, 0), "#9a9a9a")
    _rank_axes(axes, adata.n_vars)
    if by_space:
        names = {kind.replace("_", " "): colour for kind, colour in colours.items()}
        _inside_key(axes, names, "namespace of the term")


def _layer(axes: Axes, low: np.ndarray, high: np.ndarray, colour: str) -> None:
    """A layer of bars that touch, as one shape."""
    edges = np.arange(len(low) + 1) + 0.5
    axes.stairs(high, edges, baseline=low, fill=True, color=colour, lw=0)


def _rank_axes(axes: Axes, n_terms: int) -> None:
    axes.set_xlim(0.5, n_terms + 0.5)
    axes.set_ylim(bottom=0)
    if n_terms > _MANY_TERMS:
        axes.set_xscale("log")
        mark_counts(axes.xaxis)
    axes.set_xlabel("rank of the term")


def _key(axes: Axes, colours: dict[str, str]) -> None:
    axes.legend(
        handles=_dots(colours.items()), loc="upper center", bbox_to_anchor=(0.5, 0.02),
        ncols=len(colours) or 1, columnspacing=0.8, handletextpad=0.1, fontsize=6.5,
    )  # fmt: skip


def _inside_key(axes: Axes, colours: dict[str, str], title: str) -> None:
    axes.legend(handles=_dots(colours.items()), loc="upper right", title=title)


def _dots(colours: Iterable[tuple[str, str]]) -> list[Line2D]:
    return [
        Line2D([], [], ls="", marker="o", ms=4, mfc=colour, mec="none", label=name)
        for name, colour in colours
    ]
