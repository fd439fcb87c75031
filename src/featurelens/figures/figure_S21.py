"""**Figure S21. Genes of a steered feature.** One row a cell type whose cells are steered with the
global feature of Figure 2; last, without steering, cells of a type that are high in it against
those that are low, as the author does in CD8+ T cells. **Left** as published: fold change and
adjusted p of his negative binomial regression over cells, which takes noise-free means of a model
for replicates. **Right** corrected: log2 ratio of the same cells, less the typical gene's, and how
many times it exceeds its spread among controls that move the cells equally far; q from the rank
among them. Red genes change at least twofold with an adjusted p (q) below .05, orange ones at least
twofold and by more than under any control, which is no q below .05 where genes are many and
controls few. The five of them that rise and fall most stand above. High against low cells: Welch's
t on either side; published, the cells in which the feature is silent count among the low,
corrected, they stay out.
"""

from collections.abc import Iterator, Mapping
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    cloud,
    figure_without,
    new_figure,
    not_in_this_run,
    styled,
)

INPUTS = {
    "effects": "steering/{first_steered}/effects.parquet",
    "selected": "steering/{first_steered}/selected.tsv",
    "further": "steering/{first_steered_further}/further_effects.parquet?",
    "high_low": "dge/{first_steered_divided}/high_low.tsv?",
    "sets": "dge/{first_steered_divided}/high_low_sets.tsv?",
}
PARAMS = {"origin": "{steered_origin}"}
TOGETHER = "figure_2"

ALPHA, LEAST_FOLD = 0.05, 2.0
"""The author's cut-offs."""

_NAMED = 5
_LINE = 48
"""Letters of a title that a panel has room for."""
_SIGNIFICANT = "#c1272d"
_BEYOND = "#e69138"
_MEASURES = {
    "published": ("glm_log2_fold", "glm_q"),
    "corrected": ("log2_fold", "q"),
}
_NOT_COMPARED = (
    "high against low cells of the steered feature\n(high_low of the data set, features: steered)"
)
_ROW = 2.2
"""Inches of one type."""


@styled
def draw(
    effects: pd.DataFrame,
    selected: pd.DataFrame,
    further: pd.DataFrame | Mapping[str, Any],
    high_low: pd.DataFrame | Mapping[str, Any],
    sets: pd.DataFrame | Mapping[str, Any],
    *,
    origin: str,
) -> Figure:
    """Draw Figure S21.

    Parameters
    ----------
    effects
        Of :class:`featurelens.steering.study.Study`.
    selected
        Of the same; the first row is the global feature.
    further
        Of :class:`featurelens.steering.further.Further`; nothing where no other type is steered.
    high_low, sets
        Of :func:`featurelens.dge.high_low.all_high_low`; nothing where the feature's high and low
        cells are not compared.
    origin
        Type of the cells that the study steers.
    """
    feature = str(selected["feature"].iloc[0])
    tables = list(by_origin(effects, origin, feature, further))
    compared = list(by_type(high_low, sets, feature))
    if not tables and not compared:
        return figure_without("a decoder, which gives the genes of a steered cell")
    n_rows = len(tables) + max(1, len(compared))
    figure = new_figure(FULL_WIDTH, _ROW * n_rows)
    panels = figure.subplots(n_rows, 2, squeeze=False)
    for row, (name, table) in zip(panels, tables, strict=False):
        for axes, convention in zip(row, _MEASURES, strict=True):
            _draw(axes, table[table["convention"] == convention], convention, name, feature)
    if not compared:
        for axes in panels[-1]:
            not_in_this_run(axes, _NOT_COMPARED)
    for row, (about, genes) in zip(panels[len(tables) :], compared, strict=False):
        for axes, convention in zip(row, _MEASURES, strict=True):
            _draw_high_low(
                axes,
                about[about["convention"] == convention].iloc[0],
                genes[genes["convention"] == convention],
            )
    return figure


def by_origin(
    effects: pd.DataFrame, origin: str, feature: str, further: pd.DataFrame | Mapping[str, Any]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Genes of the feature in every type whose cells were steered with it."""
    tables = [effects.assign(origin=origin)]
    if isinstance(further, pd.DataFrame):
        tables.append(further)
    for table in tables:
        own = table[table["feature"].astype(str) == feature]
        for name, part in own.groupby("origin", sort=False):
            yield str(name), part


def by_type(
    high_low: pd.DataFrame | Mapping[str, Any],
    sets: pd.DataFrame | Mapping[str, Any],
    feature: str,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Sets and genes of every type of which high and low cells of the feature are compared."""
    if not isinstance(high_low, pd.DataFrame) or not isinstance(sets, pd.DataFrame):
        return
    numbers = feature.split("+")
    for (name, number), about in sets.groupby(["cell_type", "feature"], sort=False):
        if str(number) in numbers:
            own = (high_low["cell_type"] == name) & (high_low["feature"] == number)
            yield about, high_low[own]


def is_significant(table: pd.DataFrame, convention: str) -> np.ndarray:
    """Genes of a steered feature beyond both of the author's cut-offs."""
    return _beyond_cut_offs(*(table[column] for column in _MEASURES[convention]))


def _beyond_cut_offs(log2_fold: pd.Series, q: pd.Series) -> np.ndarray:
    fold = np.abs(log2_fold.to_numpy(dtype=float))
    return (fold > np.log2(LEAST_FOLD)) & (q.to_numpy(dtype=float) < ALPHA)


def is_beyond(table: pd.DataFrame) -> np.ndarray:
    """Genes that change at least twofold, and by more than under every control (corrected)."""
    fold, p = (table[column].to_numpy(dtype=float) for column in ("log2_fold", "p"))
    least = 1 / (table["n_controls"].to_numpy(dtype=float) + 1)
    return (np.abs(fold) > np.log2(LEAST_FOLD)) & (p <= least * (1 + 1e-9))


def _draw(axes: Axes, table: pd.DataFrame, convention: str, name: str, feature: str) -> None:
    fold_column, q_column = _MEASURES[convention]
    head = f"{name}, feature {feature}: {convention}"
    tested = table[table[q_column].notna()]
    if tested.empty:
        axes.set_title(head, loc="left", fontsize=6.5)
        not_in_this_run(axes, "a decoder with a dispersion, for the author's regression")
        return
    fold = tested[fold_column].to_numpy(dtype=float)
    if convention == "published":
        height = _adjusted(axes, tested[q_column])
    else:
        height = np.abs(tested["score"].to_numpy(dtype=float))
        n_controls = int(tested["n_controls"].max())
        axes.set_ylabel(f"|effect| over its spread\namong {n_controls:,} controls")
    red = is_significant(tested, convention)
    beyond = is_beyond(tested) & ~red if convention == "corrected" else np.zeros_like(red)
    title = f"{head}\n{red.sum():,} of {len(tested):,} genes"
    if beyond.any():
        title += f", {beyond.sum():,} beyond all controls"
    _plot(axes, fold, height, red, beyond)
    named = _most(tested[red | beyond], fold[red | beyond])
    axes.set_title(f"{title}\n{named}", loc="left", fontsize=6.5)


def _draw_high_low(axes: Axes, about: pd.Series, genes: pd.DataFrame) -> None:
    head = f"{about['cell_type']}, high in feature {about['feature']}: {about['convention']}"
    tested = genes[genes["q"].notna()]
    if tested.empty:
        axes.set_title(head, loc="left", fontsize=6.5)
        not_in_this_run(axes, str(about["why_not_tested"]) or "a gene that could be tested")
        return
    fold = tested["log2_fold"].to_numpy(dtype=float)
    red = _beyond_cut_offs(tested["log2_fold"], tested["q"])
    _plot(axes, fold, _adjusted(axes, tested["q"]), red, np.zeros_like(red))
    title = (
        f"{head}\n{red.sum():,} of {len(tested):,} genes; "
        f"{about['n_high']:,} high, {about['n_low']:,} low cells"
    )
    axes.set_title(f"{title}\n{_most(tested[red], fold[red])}", loc="left", fontsize=6.5)


def _adjusted(axes: Axes, q: pd.Series) -> np.ndarray:
    """Heights of adjusted p, with the axis that they stand on."""
    values = q.to_numpy(dtype=float)
    axes.set_ylabel("−log10 adjusted p")
    axes.axhline(-np.log10(ALPHA), color=BACKGROUND, lw=0.7, zorder=0)
    return -np.log10(np.maximum(values, values[values > 0].min(initial=1e-300)))


def _plot(
    axes: Axes, fold: np.ndarray, height: np.ndarray, red: np.ndarray, beyond: np.ndarray
) -> None:
    for cut in (-1, 1):
        axes.axvline(cut * np.log2(LEAST_FOLD), color=BACKGROUND, lw=0.7, zorder=0)
    rest = ~(red | beyond)
    cloud(axes, fold[rest], height[rest], s=5, color=MUTED, alpha=0.45)
    cloud(axes, fold[beyond], height[beyond], s=8, color=_BEYOND, alpha=0.9)
    cloud(axes, fold[red], height[red], s=8, color=_SIGNIFICANT, alpha=0.8)
    axes.set_xlabel("log2 fold change")


def _most(table: pd.DataFrame, fold: np.ndarray) -> str:
    """Genes that rise and fall most, a line each."""
    order = np.argsort(-fold, kind="stable")
    genes = table["gene"].astype(str).to_numpy()[order]
    sides = {"up": genes[: (fold > 0).sum()], "down": genes[::-1][: (fold < 0).sum()]}
    lines = {word: ", ".join(some[:_NAMED]) for word, some in sides.items() if len(some)}
    return (
        "\n".join(
            f"{word} {shorten(line, _LINE, placeholder=' …')}" for word, line in lines.items()
        )
        or "none"
    )
