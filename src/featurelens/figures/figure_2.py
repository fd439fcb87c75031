"""**Figure 2. Features of real cells.** Cells lie on the first two principal components of the
embedding. **A** Activation of the feature that leads from the one cell type of the contrast to the
other (its role is global in selected.tsv, which says by what rule it was chosen: for a trajectory
by three ranks, else as the one that is active in both types, local to none, and carries most of
the step). The title names the type that holds more than half of its activation, with the
share. Grey cells have no activation. **B** Cells of one type (steering.pictured in the config, or
else the origin) before (black) and after (blue) their activation of that feature is set to a
multiple of its mean in the target type and the SAE decodes. The arrow joins the means; the title
says how much of the line between the means of the two types it covers in the whole embedding,
whatever leads aside. Open circles are the target's cells. **C** Local features, each of which is
significant in one cell type only, of the types that the config names first (steering.local_types);
colour and size show the activation.
"""

import textwrap
from collections.abc import Mapping
from typing import Any

import anndata
import matplotlib.patheffects as path_effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from featurelens.features.main_type import describe_type
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

INPUTS = {
    "features": "features/{first_steered}/features.h5ad",
    "trajectories": "steering/{first_steered}/trajectories.h5ad",
    "selected": "steering/{first_steered}/selected.tsv",
    "further": "steering/{first_steered_further}/further_trajectories.h5ad?",
}
PARAMS = {"origin": "{pictured}?", "n_local": "{n_local}"}

NORMAL_COLOUR = "black"
STEERED_COLOUR = "cornflowerblue"
TARGET_COLOUR = "#d55e00"
_LOCAL_SIZES = (0.3, 2.5)
"""Smallest and largest marker of panel C, relative to the size that suits the number of cells."""

_SHORTEST_ARROW = 0.05
"""Displacements below this share of the panel get no arrow; its head alone would mislead."""

TITLE_WIDTH = 48
"""Letters in one line of a panel's title."""


@styled
def draw(
    features: anndata.AnnData,
    trajectories: anndata.AnnData,
    selected: pd.DataFrame,
    further: anndata.AnnData | Mapping[str, Any] | None = None,
    *,
    origin: str | None = None,
    target: str | None = None,
    n_local: int = 3,
) -> Figure:
    """Draw Figure 2.

    Parameters
    ----------
    features
        Cells x features with ``obs['cell_type']`` and ``obsm['X_pca']``.
    trajectories
        Steered cells: ``obs`` feature, role, condition ("normal" or "steered") and cell_type,
        ``obsm['X_pca']`` on the same axes.
    selected
        Columns feature, role ("global" or "local"), cell_type and rank.
    further
        Steered cells of further types, if any.
    origin, target
        Cell types of the contrast; by default the type of the steered cells, and the type that
        the selected global feature stands for.
    n_local
        Number of local features in panel C.

    Returns
    -------
    Figure
        A: activation of the global feature, B: steering with it, C: local features.
    """
    figure = new_figure(FULL_WIDTH, 6.0)
    halves: Any = figure.subfigures(2, 1, height_ratios=[1.3, 1], hspace=0.02)
    upper, lower = halves
    left, right = upper.subplots(1, 2)
    global_rows = _by_rank(selected, "global")
    if global_rows.empty:
        not_in_this_run(left, "no global feature was selected")
        not_in_this_run(right, "nothing was steered")
    else:
        feature = str(global_rows["feature"].iloc[0])
        wanted = target if target is not None else str(global_rows["cell_type"].iloc[0])
        if isinstance(further, anndata.AnnData) and origin in set(further.obs["cell_type"]):
            trajectories = further
        title = _title(features, feature)
        _draw_activation(upper, left, features, feature, title)
        _draw_steering(right, features, trajectories, feature, origin=origin, target=wanted)
        _share_limits(left, right)
    panel_letter(left, "A")
    panel_letter(right, "B")
    _draw_local_features(lower, features, _by_rank(selected, "local").head(n_local), n_local)
    return figure


def share_of_step(
    features: anndata.AnnData, steered: anndata.AnnData, origin: str, target: str
) -> float:
    """How far steering moves the mean cell along the line between the centroids of two types.

    1 would be all the way; measured in the embedding, not in its two drawn components.
    """
    embedding = np.asarray(features.obsm["X_emb"], dtype=float)
    types = features.obs["cell_type"].astype(str).to_numpy()
    step = embedding[types == target].mean(axis=0) - embedding[types == origin].mean(axis=0)
    places = np.asarray(steered.obsm["X_emb"], dtype=float)
    condition = steered.obs["condition"].astype(str).to_numpy()
    moved = places[condition == "steered"].mean(axis=0) - places[condition == "normal"].mean(axis=0)
    return float(moved @ step / (step @ step))


def _by_rank(selected: pd.DataFrame, role: str) -> pd.DataFrame:
    return selected[selected["role"] == role].sort_values("rank", kind="stable")


def _activation(features: anndata.AnnData, feature: str) -> np.ndarray:
    """Activation of one feature in every cell, or the sum of several joined by +, (n_cells,)."""
    columns = features[:, feature.split("+")].X
    dense = columns.toarray() if hasattr(columns, "toarray") else np.asarray(columns)
    return dense.sum(axis=1)


def _title(features: anndata.AnnData, feature: str) -> str:
    """What the feature is called; of several nothing but their numbers."""
    if "+" in feature:
        return f"Features {feature.replace('+', ' and ')}\nsum of their activations"
    row = features.var.loc[feature]
    return f"{str(row['type']).capitalize()} feature {feature}\n{describe_type(row)}"


def _draw_activation(
    figure: SubFigure,
    axes: Axes,
    features: anndata.AnnData,
    feature: str,
    title: str,
    *,
    sized: bool = False,
) -> None:
    """Scatter of all cells, highest activation on top, with its own colour bar."""
    activation = _activation(features, feature)
    place = np.asarray(features.obsm["X_pca"])
    order = np.argsort(activation, kind="stable")
    order = order[activation[order] > 0]
    highest = float(activation.max()) or 1.0
    size = point_size(len(activation))
    low, high = _LOCAL_SIZES if sized else (1.0, 1.0)
    cloud(axes, *place[activation == 0].T, s=min(1.0, low + 0.35) * size, color=BACKGROUND)
    points = cloud(
        axes,
        place[order, 0],
        place[order, 1],
        c=activation[order],
        s=size * (low + (high - low) * activation[order] / highest),
        cmap=activation_map(),
        vmin=0.0,
        vmax=highest,
    )
    axes.set_title(title)
    without_axes(axes)
    bar = figure.colorbar(
        points, ax=axes, orientation="horizontal", fraction=0.05, aspect=26, pad=0.02, shrink=0.7
    )
    bar.outline.set_visible(False)
    bar.set_ticks([0.0, highest])
    bar.set_ticklabels(["0", f"{highest:.2g}"])
    bar.ax.tick_params(length=0, pad=1.5, labelsize=6.5)
    bar.set_label("activation (grey: zero)", labelpad=-6, fontsize=6.5)


def _draw_steering(
    axes: Axes,
    features: anndata.AnnData,
    trajectories: anndata.AnnData,
    feature: str,
    *,
    origin: str | None,
    target: str,
) -> None:
    """Where the origin's cells lie, where steering puts them, and where the target's cells lie."""
    without_axes(axes)
    rows = (trajectories.obs["feature"].astype(str) == feature).to_numpy()
    if origin is not None:
        rows &= (trajectories.obs["cell_type"].astype(str) == origin).to_numpy()
    if not rows.any():
        axes.set_title(f"Steering feature {feature}")
        not_in_this_run(axes, f"no cell was steered with feature {feature}")
        return
    chosen = trajectories[rows]
    start = origin if origin is not None else str(chosen.obs["cell_type"].iloc[0])
    place = np.asarray(features.obsm["X_pca"])
    is_target = (features.obs["cell_type"].astype(str) == target).to_numpy()
    size = point_size(len(place))
    cloud(axes, *place[~is_target].T, s=size, color=BACKGROUND)
    cloud(
        axes, *place[is_target].T, s=size * 1.3, facecolors="white", edgecolors=TARGET_COLOUR,
        linewidths=0.6,
    )  # fmt: skip
    _draw_conditions(axes, chosen, size)
    share = share_of_step(features, chosen, start, target)
    contrast = textwrap.fill(f"{start} towards {target}", TITLE_WIDTH, break_on_hyphens=False)
    axes.set_title(f"Steering feature {feature}: {share:.0%} of the way\n{contrast}")
    _steering_legend(axes, start, target)


def _draw_conditions(axes: Axes, chosen: anndata.AnnData, size: float) -> None:
    place = np.asarray(chosen.obsm["X_pca"])
    condition = chosen.obs["condition"].astype(str).to_numpy()
    centres = {}
    for name, colour in (("normal", NORMAL_COLOUR), ("steered", STEERED_COLOUR)):
        of_condition = place[condition == name]
        cloud(axes, *of_condition.T, s=size * 1.4, color=colour, alpha=0.7)
        centres[name] = of_condition.mean(axis=0)
    drawn = np.ptp(axes.dataLim.get_points(), axis=0)
    if (np.abs(centres["steered"] - centres["normal"]) < _SHORTEST_ARROW * drawn).all():
        return
    axes.annotate(
        "",
        centres["steered"],
        centres["normal"],
        arrowprops={
            "arrowstyle": "-|>",
            "color": "#1f3b73",
            "lw": 1.6,
            "mutation_scale": 10,
            "shrinkA": 0,
            "shrinkB": 0,
            "path_effects": [path_effects.withStroke(linewidth=3.2, foreground="white")],
        },
        zorder=6,
    )


def _steering_legend(axes: Axes, origin: str, target: str) -> None:
    entries = (
        (f"{origin}, normal", NORMAL_COLOUR, NORMAL_COLOUR),
        (f"{origin}, steered", STEERED_COLOUR, STEERED_COLOUR),
        (f"{target} (target)", "white", TARGET_COLOUR),
        ("other cells", BACKGROUND, BACKGROUND),
    )
    handles = [
        Line2D([], [], ls="", marker="o", ms=5, mfc=face, mec=edge, label=label)
        for label, face, edge in entries
    ]
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2,
        columnspacing=1.2, labelspacing=0.3,
    )  # fmt: skip


def _share_limits(left: Axes, right: Axes) -> None:
    """One window for both panels, so that a place in A is the same place in B."""
    for which in ("x", "y"):
        limits = [getattr(axes, f"get_{which}lim")() for axes in (left, right)]
        window = min(low for low, _ in limits), max(high for _, high in limits)
        for axes in (left, right):
            getattr(axes, f"set_{which}lim")(*window)


def _draw_local_features(
    figure: SubFigure, features: anndata.AnnData, rows: pd.DataFrame, n_local: int
) -> None:
    panels = np.atleast_1d(figure.subplots(1, max(n_local, 1)))
    for axes, row in zip(panels, rows.itertuples(), strict=False):
        title = f"Local feature {row.feature}\n{row.cell_type}"
        _draw_activation(figure, axes, features, str(row.feature), title, sized=True)
    for axes in panels[len(rows) :]:
        not_in_this_run(axes, "no further local feature")
    panel_letter(panels[0], "C")
