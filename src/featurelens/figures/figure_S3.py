"""**Figure S3. Autoencoders of the small simulation.** One row an autoencoder: mean squared error
by epoch, and the linear read-out of its embedding (least squares with intercept, on all cells)
against each core program X. Equal cells share one dot, whose area grows with their number; on
the line, read-out and program agree. The number is R², which the author's figure calls R. Fewer
than three dimensions cannot hold the three programs; more than three are more than the rank of
the data. That X is recovered is no feat of an autoencoder: three of the five observables are
copies of X1, X2 and X3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullLocator

from featurelens.figures.parts.palette import VARIABLE_COLOURS
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INPUTS = {
    "data": "simulation/{small_simulation}/data.h5ad",
    "embeddings": "autoencoder/{small_simulation}/{small_autoencoders}/embedding.h5ad",
    "histories": "autoencoder/{small_simulation}/{small_autoencoders}/history.tsv",
}
TOGETHER = "autoencoders"

_TRAIN, _VALIDATION = "#4477aa", "#ee6677"


@dataclass(frozen=True)
class ReadOut:
    """The linear read-out of one variable."""

    predicted: np.ndarray
    """(n_cells,) intercept and weights applied to the embedding."""
    r2: float
    """Share of the variable's variance that it explains, on the same cells."""


def read_out(embedding: np.ndarray, variable: np.ndarray) -> ReadOut:
    """Ordinary least squares with an intercept, on all cells, as the author's ``supp_03_sim.py``.

    Parameters
    ----------
    embedding : (n_cells, latent)
    variable : (n_cells,)
        A constant one has an R² of NaN.
    """
    design = np.c_[np.ones(len(embedding)), embedding.astype(np.float64)]
    weights = np.linalg.lstsq(design, variable.astype(np.float64), rcond=None)[0]
    predicted = design @ weights
    total = ((variable - variable.mean()) ** 2).sum()
    r2 = 1 - ((variable - predicted) ** 2).sum() / total if total > 0 else np.nan
    return ReadOut(predicted, float(r2))


def draw(
    data: AnnData, embeddings: Mapping[str, AnnData], histories: Mapping[str, pd.DataFrame]
) -> Figure:
    """Draw Figure S3 of the small simulation, its cells in each embedding, and the losses."""
    values = {name: np.asarray(adata.obsm["X_emb"]) for name, adata in embeddings.items()}
    return draw_read_outs(np.asarray(data.obsm["programs"]), values, histories)


@styled
def draw_read_outs(
    programs: np.ndarray,
    embeddings: Mapping[str, np.ndarray],
    histories: Mapping[str, pd.DataFrame],
) -> Figure:
    """Draw Figure S3.

    Parameters
    ----------
    programs : (n_cells, n_programs)
        The core programs X of the small simulation.
    embeddings
        Name of an autoencoder to its embedding of the same cells, (n_cells, latent).
    histories
        Its ``history.tsv``: epoch, train_loss, validation_loss.

    Returns
    -------
    Figure
        A row for each autoencoder, in order of latent dimensions: losses by epoch, and for every
        program the linear read-out of the embedding against it.
    """
    names = sorted(embeddings, key=lambda name: embeddings[name].shape[1])
    n_programs = programs.shape[1]
    figure = new_figure(FULL_WIDTH, 0.4 + 1.75 * max(len(names), 1))
    if not names:
        not_in_this_run(figure.subplots(), "no autoencoder of the small simulation")
        return figure
    axes = figure.subplots(
        len(names), 1 + n_programs, squeeze=False, width_ratios=[1.6, *[1] * n_programs]
    )
    for row, name in zip(axes, names, strict=True):
        latent = embeddings[name].shape[1]
        _draw_losses(row[0], histories[name])
        row[0].set_title(f"{name}: {latent} dimensions", loc="left")
        for place, panel in enumerate(row[1:]):
            _draw_read_out(panel, embeddings[name], programs[:, place])
            panel.set_ylabel(f"read-out of $X_{place + 1}$")
            panel.set_xlabel(f"$X_{place + 1}$", labelpad=1)
    axes[-1, 0].set_xlabel("epoch")
    for panel, letter in zip(axes[:, 0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False):
        panel_letter(panel, letter, x=-0.15)
    return figure


def _draw_losses(axes: Axes, history: pd.DataFrame) -> None:
    for column, colour, width, label in (
        ("train_loss", _TRAIN, 1.8, "training"),
        ("validation_loss", _VALIDATION, 0.7, "validation"),
    ):
        axes.plot(history["epoch"], history[column], color=colour, lw=width, label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("mean squared error")
    axes.legend(loc="upper right")


def _draw_read_out(axes: Axes, embedding: np.ndarray, program: np.ndarray) -> None:
    """One dot for equal cells, its area by their number; on the line, both agree."""
    found = read_out(embedding, program)
    pairs, counts = np.unique(np.c_[program, found.predicted.round(6)], axis=0, return_counts=True)
    ends = [pairs.min(), pairs.max()]
    axes.plot(ends, ends, color="black", lw=0.8, zorder=1)
    axes.scatter(
        pairs[:, 0], pairs[:, 1], s=3 + 40 * np.sqrt(counts / counts.max()), alpha=0.6,
        color=VARIABLE_COLOURS["X"], edgecolors=VARIABLE_COLOURS["X''"], linewidths=0.4,
        rasterized=True,
    )  # fmt: skip
    axes.text(
        0.04, 0.97, f"$R^2$ = {found.r2:.2f}", transform=axes.transAxes, va="top", color=MUTED,
        fontsize=6.5,
    )  # fmt: skip
