"""**Figure S1. Simulated cells and real ones.** **A** First two principal components of the
observables Y of the hierarchical simulation, coloured by cell type A and batch B, and of log1p
counts of the real cells, by labelled type and batch. **B** The same of what lies behind: the
programs X'' that are on in a cell, and the embedding of the real cells by the run's first model.
At most 3,000 cells of each, drawn at random; where there are more than 24 types, the twelve most
frequent are coloured. **C** Values of all genes in the first ten of those cells. Y is a sum of
programs without any noise of measurement, and the fewer of its values are zero the more programs
and edges there are; counts of real cells are mostly zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from featurelens.figures.parts.palette import VARIABLE_COLOURS, distinct_colours
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    cloud,
    new_figure,
    panel_letter,
    point_size,
    styled,
    without_axes,
)
from featurelens.simulation.observables import observables

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INPUTS = {
    "simulated": "simulation/{first_hierarchical}/data.h5ad",
    "real": "embeddings/{first_bundle}/cells.h5ad",
}
PARAMS = {"model": "{first_bundle}"}

N_CELLS = 3_000
"""Cells that are drawn of each side, at most."""
MOST_COLOURS = 24
"""With more levels than these, only the twelve most frequent have a colour."""
_COLOURED = 12
_HISTOGRAM_CELLS = 10
_SIMULATED, _REAL = VARIABLE_COLOURS["Y"], "#4477aa"
_HIDDEN = "X''"


@dataclass(frozen=True)
class Cells:
    """What the figure draws of simulated or of real cells."""

    values: np.ndarray
    """(n_cells, n_genes) Y, or log1p of the counts."""
    embedding: np.ndarray
    """(n_cells, d) the programs X'', or the embedding."""
    cell_type: pd.Series
    """(n_cells,) A, or the labelled type."""
    batch: pd.Series
    """(n_cells,) B, or the batch."""


def simulated_cells(data: AnnData, *, n_cells: int = N_CELLS, seed: int = 0) -> Cells:
    """Draw cells of the hierarchical simulation, in their order."""
    chosen = _draw(data.n_obs, n_cells, seed)
    return Cells(
        observables(data).rows(chosen),
        np.asarray(data.obsm["programs_active"])[chosen],
        *(data.obs[name].iloc[chosen].astype(str) for name in ("cell_type", "batch")),
    )


def real_cells(bundle: AnnData, *, n_cells: int = N_CELLS, seed: int = 0) -> Cells:
    """Draw cells of a bundle, in their order."""
    chosen = _draw(bundle.n_obs, n_cells, seed)
    counts = bundle.layers["counts"][chosen]
    return Cells(
        np.log1p(counts.toarray().astype(np.float32)),
        np.asarray(bundle.obsm["X_emb"])[chosen],
        *(bundle.obs[name].iloc[chosen].astype(str) for name in ("cell_type", "batch")),
    )


@styled
def draw(simulated: AnnData, real: AnnData, *, model: str) -> Figure:
    """Draw Figure S1.

    Parameters
    ----------
    simulated
        Cells of the hierarchical simulation.
    real
        Cells of a bundle.
    model
        Name of the real cells and their embedding.

    Returns
    -------
    Figure
        A: first two principal components of the observables, coloured by type and by batch; B:
        the same of the variables behind them, programs or embedding; C: values of ten cells.
    """
    made, measured = simulated_cells(simulated), real_cells(real)
    figure = new_figure(FULL_WIDTH, 6.5)
    rows = figure.add_gridspec(4, 1, height_ratios=[1.55, 1.55, 1.15, 1.35], hspace=0.04)
    columns = (
        (made, made.cell_type, "A"),
        (made, made.batch, "B"),
        (measured, measured.cell_type, "type"),
        (measured, measured.batch, "batch"),
    )
    keys = rows[2].subgridspec(1, 4, width_ratios=[1.2, 0.7, 2.1, 0.9])
    above, below = (rows[row].subgridspec(1, 4) for row in (0, 1))
    for column, (cells, labels, name) in enumerate(columns):
        colours = _colours(labels)
        upper, lower = figure.add_subplot(above[column]), figure.add_subplot(below[column])
        if column % 2 == 0:
            of_values = principal_components(cells.values)
            of_embedding = principal_components(cells.embedding)
        _draw_components(upper, *of_values, labels.map(colours))
        _draw_components(lower, *of_embedding, labels.map(colours))
        upper.set_title(f"{'Y' if cells is made else 'log1p counts'} by {name}")
        lower.set_title(f"{_HIDDEN if cells is made else 'embedding'} by {name}")
        _draw_key(figure.add_subplot(keys[column]), colours, name, labels.nunique())
        if column == 0:
            panel_letter(upper, "A")
            panel_letter(lower, "B")
    bottom = rows[3].subgridspec(1, 2, wspace=0.05)
    left, right = figure.add_subplot(bottom[0]), figure.add_subplot(bottom[1])
    _draw_values(left, made.values[:_HISTOGRAM_CELLS], _SIMULATED)
    _draw_values(right, measured.values[:_HISTOGRAM_CELLS], _REAL)
    left.set(xlabel="Y", ylabel="values in ten cells")
    right.set_xlabel(f"log1p counts, {model}")
    panel_letter(left, "C", x=-0.1)
    return figure


def principal_components(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First two principal components (n_cells, 2), unscaled, and their shares of the variance."""
    from sklearn.decomposition import PCA

    pca = PCA(n_components=2, svd_solver="arpack", random_state=0)
    places = pca.fit_transform(values.astype(np.float32))
    return places, pca.explained_variance_ratio_


def _draw(n: int, wanted: int, seed: int) -> np.ndarray:
    """Positions of at most ``wanted`` of ``n`` cells, ascending."""
    if n <= wanted:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, wanted, replace=False))


def _colours(labels: pd.Series) -> dict[str, str]:
    """Colour of every level that has one, in natural order of their names."""
    levels = sorted(labels.unique(), key=_natural)
    if len(levels) > MOST_COLOURS:
        frequent = labels.value_counts(sort=True).index[:_COLOURED]
        levels = [level for level in levels if level in set(frequent)]
    return dict(zip(levels, distinct_colours(len(levels)), strict=True))


def _natural(name: str) -> tuple[str, int]:
    """``type_10`` behind ``type_9``."""
    stem = name.rstrip("0123456789")
    number = name[len(stem) :]
    return stem, int(number) if number else -1


def _draw_components(
    axes: Axes, places: np.ndarray, shares: np.ndarray, colours: pd.Series
) -> None:
    """Cells in a random order, so that none of the coloured types lies above the others."""
    colours = colours.fillna(BACKGROUND)
    mixed = np.random.default_rng(0).permutation(len(places))
    order = mixed[np.argsort((colours.iloc[mixed] != BACKGROUND).to_numpy(), kind="stable")]
    cloud(
        axes, places[order, 0], places[order, 1], c=colours.iloc[order].to_numpy(),
        s=point_size(len(places)) / 2, alpha=0.8,
    )  # fmt: skip
    without_axes(axes)
    axes.set_xlabel(
        f"PC 1 ({100 * shares[0]:.0f} %), 2 ({100 * shares[1]:.0f} %)", fontsize=6, color=MUTED
    )


def _draw_key(axes: Axes, colour_of: dict[str, str], title: str, n_levels: int) -> None:
    axes.axis("off")
    shown = [*colour_of.items()]
    if n_levels > len(shown):
        shown.append((f"{n_levels - len(shown)} others", BACKGROUND))
    handles = [
        Line2D([], [], ls="", marker="o", ms=3.5, color=colour, label=name)
        for name, colour in shown
    ]
    axes.legend(
        handles=handles, title=title, loc="upper left", bbox_to_anchor=(0, 1), fontsize=5.5,
        ncols=1 if len(shown) <= 11 else 2, labelspacing=0.15, handletextpad=0.1, borderpad=0,
        columnspacing=0.5, alignment="left",
    )  # fmt: skip


def _draw_values(axes: Axes, values: np.ndarray, colour: str) -> None:
    axes.hist(values.ravel(), bins=100, color=colour)
    axes.set_yscale("log")
    zeros = (values == 0).mean()
    axes.text(
        0.98, 0.95, f"{100 * zeros:.0f} % are zero", transform=axes.transAxes, ha="right", va="top",
        color=MUTED, fontsize=6.5,
    )  # fmt: skip
