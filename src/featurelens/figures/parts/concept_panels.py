"""What the figures of the concept space share: colours of categories, spaces, names."""

import textwrap
from collections.abc import Collection, Mapping, Sequence

import anndata
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from featurelens.figures.parts.palette import distinct_colours
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    cloud,
    not_in_this_run,
    point_size,
    without_axes,
)

FILTER_TITLES = {
    "kept_published_05": "published: both tests at .05",
    "kept_published_figures": "published: stricter, as in the figures",
    "kept_fdr": "corrected",
}
"""What a filter of the enrichment is called in a figure."""

Looks = Mapping[str, tuple[str, str]]

_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_FEWEST_FOR_SHAPES = 8
"""From this many categories on, hue alone is not told apart and the marker varies as well: two
categories of one marker are then at least seven colours apart."""

_UNLABELLED = "none"
_MOST_LEGEND_COLUMNS = 4
_LINE = 34
_MOST_DECADES = 2.6


def category_looks(concepts: Mapping[str, anndata.AnnData]) -> dict[str, tuple[str, str]]:
    """Colour and marker of every category, most frequent first; no colour occurs twice.

    Features without a category come last, in the grey of the background.
    """
    labels = [adata.obs["label"].astype(str) for adata in concepts.values()]
    if not labels:
        return {}
    counts = pd.concat(labels).value_counts()
    ordered = sorted(
        (name for name in counts.index if name != _UNLABELLED),
        key=lambda name: (-counts[name], name),
    )
    return looks_of(ordered) | ({_UNLABELLED: (BACKGROUND, "o")} if _UNLABELLED in counts else {})


def looks_of(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each name, in order; the marker varies where there are many."""
    many = len(names) >= _FEWEST_FOR_SHAPES
    colours = distinct_colours(len(names))
    return {
        name: (colour, _SHAPES[position % len(_SHAPES)] if many else "o")
        for position, (name, colour) in enumerate(zip(names, colours, strict=True))
    }


def legend_columns(names: Collection[str]) -> int:
    """As many columns as fit beside one another, in inches at the legend's type size."""
    lines = [line for name in names for line in wrapped(name).split("\n")]
    widest = 0.45 + 0.056 * max(map(len, lines), default=0)
    return int(max(1, min(_MOST_LEGEND_COLUMNS, len(names) or 1, FULL_WIDTH // widest)))


def wrapped(name: str) -> str:
    """A category's name in lines that leave room for three columns."""
    return textwrap.fill(name, _LINE)


def legend_height(looks: Looks) -> float:
    """Inches that :func:`draw_legend` takes."""
    lines = [len(wrapped(name).split("\n")) for name in looks]
    per_column = max(1, -(-len(lines) // legend_columns(looks)))
    columns = [lines[start : start + per_column] for start in range(0, len(lines), per_column)]
    return 0.16 * max(map(sum, columns), default=0)


def draw_legend(
    figure: SubFigure | Figure,
    looks: Looks,
    *,
    title: str = "most frequent category of the feature's terms",
) -> None:
    """Name the categories below a figure, in the order of their frequency."""
    handles = [
        Line2D([], [], ls="", marker=marker, ms=5, mfc=colour, mec="none", label=wrapped(name))
        for name, (colour, marker) in looks.items()
    ]
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=legend_columns(looks),
            title=title, columnspacing=1.5, labelspacing=0.35,
        )  # fmt: skip


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


def mark_counts(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis of counts: 1, 2, 5, 10, … or, over more, 1, 10, …"""
    low, high = axis.get_view_interval()
    few = np.log10(high / low) < _MOST_DECADES
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def mark_shares(axis: Axis) -> None:
    """Percents on a logarithmic axis of shares, more of them where it spans less than a decade."""
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    steps: tuple[float, ...] = (1.0,) if decades >= _MOST_DECADES else (1.0, 2.0, 5.0)
    if decades < 1:
        steps = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))
    axis.set_minor_formatter(NullFormatter())


def is_empty(adata: anndata.AnnData, layout: str = "X_umap") -> bool:
    """Whether there is nothing to draw."""
    return adata.n_obs == 0 or layout not in adata.obsm


def draw_space(
    axes: Axes, adata: anndata.AnnData, looks: Looks, *, name: str, layout: str = "X_umap"
) -> None:
    """Every annotated feature in the colour of its category, rare categories on top."""
    if is_empty(adata, layout):
        not_in_this_run(axes, f"no feature of {name} is annotated")
        return
    place = np.asarray(adata.obsm[layout])
    labels = adata.obs["label"].astype(str).to_numpy()
    size = max(3.0, 1.4 * point_size(adata.n_obs))
    ordered = sorted(looks.items(), key=lambda item: item[0] != _UNLABELLED)
    for category, (colour, marker) in ordered:
        at = place[labels == category]
        cloud(axes, *at.T, s=size, color=colour, marker=marker, alpha=0.85)
    without_axes(axes)
