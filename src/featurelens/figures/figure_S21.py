"""**Figure S21. Genes of a steered feature.** One row a cell type whose cells are steered with the
global feature of Figure 2. **Left** as published: fold change and adjusted p of the author's
negative binomial regression over cells, which takes noise-free means of a model for replicates.
**Right** corrected: log2 ratio of the same cells, less the typical gene's, and how many times it
exceeds its spread among controls that move the cells equally far; q from the rank among them. Red
genes change at least twofold with an adjusted p (q) below .05, orange ones at least twofold and by
more than under any control, which is no q below .05 where genes are many and controls few. The
five of them that rise and fall most stand above. (In CD8+ T cells the author compares high with
low cells, and steers none; high_low.tsv has such comparisons.)
"""

from collections.abc import Iterator, Mapping
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
}
PARAMS = {"origin": "{steered_origin}"}
TOGETHER = "figure_2"

ALPHA, LEAST_FOLD = 0.05, 2.0
"""The author's cut-offs."""

_NAMED = 5
_SIGNIFICANT = "#c1272d"
_BEYOND = "#e69138"
_MEASURES = {
    "published": ("glm_log2_fold", "glm_q"),
    "corrected": ("log2_fold", "q"),
}


@styled
def draw(
    effects: pd.DataFrame,
    selected: pd.DataFrame,
    further: pd.DataFrame | Mapping[str, Any],
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
    origin
        Type of the cells that the study steers.
    """
    feature = str(selected["feature"].iloc[0])
    tables = list(by_origin(effects, origin, feature, further))
    if not tables:
        return figure_without("a decoder, which gives the genes of a steered cell")
    figure = new_figure(FULL_WIDTH, 2.4 * len(tables))
    panels = figure.subplots(len(tables), 2, squeeze=False)
    for row, (name, table) in zip(panels, tables, strict=True):
        for axes, convention in zip(row, _MEASURES, strict=True):
            _draw(axes, table[table["convention"] == convention], convention, name, feature)
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


def is_significant(table: pd.DataFrame, convention: str) -> np.ndarray:
    """Genes beyond both of the author's cut-offs."""
    fold, q = (table[column].to_numpy(dtype=float) for column in _MEASURES[convention])
    return (np.abs(fold) > np.log2(LEAST_FOLD)) & (q < ALPHA)


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
        q = tested[q_column].to_numpy(dtype=float)
        height = -np.log10(np.maximum(q, q[q > 0].min(initial=1e-300)))
        axes.set_ylabel("−log10 adjusted p")
        axes.axhline(-np.log10(ALPHA), color=BACKGROUND, lw=0.7, zorder=0)
    else:
        height = np.abs(tested["score"].to_numpy(dtype=float))
        n_controls = int(tested["n_controls"].max())
        axes.set_ylabel(f"|effect| over its spread\namong {n_controls:,} controls")
    red = is_significant(tested, convention)
    beyond = is_beyond(tested) & ~red if convention == "corrected" else np.zeros_like(red)
    for cut in (-1, 1):
        axes.axvline(cut * np.log2(LEAST_FOLD), color=BACKGROUND, lw=0.7, zorder=0)
    rest = ~(red | beyond)
    cloud(axes, fold[rest], height[rest], s=5, color=MUTED, alpha=0.45)
    cloud(axes, fold[beyond], height[beyond], s=8, color=_BEYOND, alpha=0.9)
    cloud(axes, fold[red], height[red], s=8, color=_SIGNIFICANT, alpha=0.8)
    axes.set_xlabel("log2 fold change")
    title = f"{head}\n{red.sum():,} of {len(tested):,} genes"
    if beyond.any():
        title += f", {beyond.sum():,} beyond all controls"
    named = _most(tested[~rest], fold[~rest])
    axes.set_title(f"{title}\n{named}", loc="left", fontsize=6.5)


def _most(table: pd.DataFrame, fold: np.ndarray) -> str:
    """Genes that rise and fall most, a line each."""
    order = np.argsort(-fold, kind="stable")
    genes = table["gene"].astype(str).to_numpy()[order]
    sides = {"up": genes[: (fold > 0).sum()], "down": genes[::-1][: (fold < 0).sum()]}
    parts = [f"{word} {', '.join(some[:_NAMED])}" for word, some in sides.items() if len(some)]
    return "\n".join(parts) or "none"
