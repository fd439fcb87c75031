"""**Figure S20. Candidates for steering.** The features that follow the trajectory best
(selected_features.tsv, up to sixteen), in the order of their ranks. Each panel shows all cells on
the first two principal components of the embedding (grey; of more than 5,000 as many, at random),
cells of the first stage (blue), and the same cells with this one feature set to its mean in the
last stage and everything else, the SAE's error too, left as it is (red). Titles give how much of
the way between the means of first and last stage the cells move, in the whole embedding. Below
each panel stands why it has its place: its ranks among all candidates by activation in the last
stage, by rank correlation with the order of the stages, and by that movement. (The
paper shows sixteen features that its author chose by eye among those of Figure S19.)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from featurelens.features.describe import project
from featurelens.figures.figure_S19 import of_trajectory
from featurelens.figures.parts.cell_clouds import drawn_cells
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    cloud,
    figure_without,
    new_figure,
    point_size,
    styled,
    without_axes,
)

INPUTS = {
    "features": "features/{studied}/features.h5ad",
    "candidates": "tables/selected_features.tsv",
}
PARAMS = {"name": "{studied}", "trajectory": "{studied_trajectory}", "most": 16}
TOGETHER = "features"

BEFORE_COLOUR = "cornflowerblue"
AFTER_COLOUR = "#c1272d"
_COLUMNS = 4
_MOST_BEHIND = 5_000


@styled
def draw(
    features: AnnData,
    candidates: pd.DataFrame,
    *,
    name: str,
    trajectory: Mapping[str, Any],
    most: int,
) -> Figure:
    """Draw Figure S20.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    candidates
        ``tables/selected_features.tsv``.
    name
        The SAE that is shown.
    trajectory
        Its name, and the stages.
    most
        Features that are shown.
    """
    shown = of_trajectory(candidates, name, trajectory).head(most)
    if shown.empty:
        return figure_without("no feature follows the trajectory")
    first, last = trajectory["stages"][0], trajectory["stages"][-1]
    start = np.flatnonzero(features.obs["cell_type"].astype(str) == first)
    rows = -(-len(shown) // _COLUMNS)
    figure = new_figure(FULL_WIDTH, 1.75 * rows + 0.5)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (_, row) in zip(panels, shown.iterrows(), strict=False):
        _draw_candidate(axes, features, row, start)
    for axes in panels[len(shown) :]:
        axes.axis("off")
    entries = (
        (f"{first} ({len(start):,} cells)", BEFORE_COLOUR),
        (f"{first}, the feature at its mean in {last}", AFTER_COLOUR),
        ("all cells", BACKGROUND),
    )
    handles = [
        Line2D([], [], ls="", marker="o", ms=5, mfc=colour, mec="none", label=label)
        for label, colour in entries
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def steered_places(
    features: AnnData, feature: str, value: float, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where cells lie whose activation of a feature is set to a value.

    The decoder is linear, so that a cell moves along the feature's direction by what its
    activation changes.

    Parameters
    ----------
    features
        With activations, ``obsm['X_emb']``, ``varm['directions']`` and ``uns['pca']``.
    feature
        Its name.
    value
        What its activation becomes.
    rows
        Of the cells.

    Returns
    -------
    embedding, places
        (n_rows, d) and, on the first two principal components, (n_rows, 2).
    """
    column = features.var_names.get_loc(feature)
    activation = np.asarray(features.X[rows][:, [column]].todense(), dtype=float)
    direction = np.asarray(features.varm["directions"][column], dtype=float)
    moved = np.asarray(features.obsm["X_emb"], dtype=float)[rows] + (value - activation) * direction
    return moved, project(moved, features.uns["pca"])


def _draw_candidate(axes: Axes, features: AnnData, row: pd.Series, start: np.ndarray) -> None:
    place = np.asarray(features.obsm["X_pca"])
    behind = drawn_cells(features.n_obs)[:_MOST_BEHIND]
    size = point_size(len(behind))
    _, after = steered_places(features, row["feature"], row["mean_end"], start)
    cloud(axes, *place[behind].T, s=0.8 * size, color=BACKGROUND)
    cloud(axes, *place[start].T, s=size, color=BEFORE_COLOUR, alpha=0.7)
    cloud(axes, *after.T, s=size, color=AFTER_COLOUR, alpha=0.7)
    axes.set_title(
        f"{row['rank']}. feature {row['feature']}\n{_way(row['displacement'])}", fontsize=7
    )
    without_axes(axes)
    axes.text(
        0.5, -0.02, ranks_of(row), transform=axes.transAxes, ha="center", va="top", fontsize=5
    )


def ranks_of(row: pd.Series) -> str:
    """Why a candidate has its place: its rank by each criterion that it has one by.

    Examples
    --------
    >>> ranks_of(pd.Series({"rank_mean_end": 1, "rank_stage_correlation": 12}))
    'ranks: activation 1, stages 12'
    """
    names = {
        "rank_mean_end": "activation",
        "rank_stage_correlation": "stages",
        "rank_displacement": "movement",
    }
    known = {name: row[key] for key, name in names.items() if pd.notna(row.get(key))}
    return "ranks: " + ", ".join(f"{name} {int(rank)}" for name, rank in known.items())


def _way(share: float) -> str:
    """The share in percent, to a tenth; no minus before a zero."""
    return f"{round(100 * share, 1) + 0.0:g} % of the way" if np.isfinite(share) else ""
