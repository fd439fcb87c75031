"""**Steering among controls.** The global feature of Figure 2B under the corrected convention: the
SAE's error cancels, and each cell keeps its own covariates and library. **A** Cells before (black)
and after (blue) the edit on the first two principal components of the embedding; open circles are
the target's cells, yellow to brown those of the stages between. **B** Share of the mean distance to
the target's mean that the cells cover, and share of cells whose nearest type becomes the target, at
multiples of the edit; band: 95 % of draws of cells; grey: no cell has so high an activation. **C**
The feature among controls that move every cell equally far, one dot each: efficiency (how much
nearer to the target's mean per length of the way), specificity (mean effect on the genes that truly
differ over the sum of it and that on genes that do not) and precision (share of the genes of
largest effect that are among as many that truly differ most, in the same direction), judged on
cells that nothing was fitted on; bars: 95 % of draws of cells. Titles say whether it does better
than the difference of means. **D** The ten genes of largest effect over the doses of B, with the
same intervals. **E** Effect of the edit on every gene against the measured difference of target and
origin in the cells that C is judged by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anndata
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from featurelens.figures.parts.labels import apart, far_out
from featurelens.figures.parts.palette import distinct_colours
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
from featurelens.steering.comparison import KINDS

INPUTS = {
    "features": "features/{first_steered}/features.h5ad",
    "trajectories": "steering/{first_steered}/trajectories.h5ad",
    "selected": "steering/{first_steered}/selected.tsv",
    "controls": "steering/{first_steered}/controls.tsv",
    "doses": "steering/{first_steered}/doses.tsv",
    "dose_genes": "steering/{first_steered}/dose_genes.tsv",
    "effects": "steering/{first_steered}/effects.parquet",
}
PARAMS = {"stages": "{steered_stages}?"}
TOGETHER = "figure_2"

_CONDITIONS = ("normal", "corrected")
BEFORE, AFTER, TARGET = "black", "cornflowerblue", "#d55e00"
MEASURES = {"efficiency": (-1, 1), "specificity": (0, 1), "precision": (0, 1)}
"""Panels of D and the range of each."""


@styled
def draw(
    features: anndata.AnnData,
    trajectories: anndata.AnnData,
    selected: pd.DataFrame,
    controls: pd.DataFrame,
    doses: pd.DataFrame,
    dose_genes: pd.DataFrame,
    effects: pd.DataFrame,
    *,
    stages: Sequence[str] = (),
) -> Figure:
    """Draw the figure of one steered feature.

    Parameters
    ----------
    features
        Cells x features: ``obs['cell_type']`` and ``obsm['X_pca']``.
    trajectories, selected, controls, doses, dose_genes, effects
        Of :class:`featurelens.steering.study.Study`; no genes where nothing decodes.
    stages
        Cell types of the trajectory in order, if there is one.
    """
    figure = new_figure(FULL_WIDTH, 8.2)
    rows: Any = figure.subfigures(3, 1, height_ratios=[1.25, 1, 1.25])
    choice = selected[selected["role"] == "global"].iloc[0]
    feature, target = str(choice["feature"]), str(choice["cell_type"])
    left, right = rows[0].subplots(1, 2, width_ratios=[1.25, 1])
    _draw_cells(left, features, trajectories, feature, target, stages)
    _draw_movement(right, doses, target)
    panels = rows[1].subplots(1, 3, sharey=True)
    _draw_controls(panels, controls, feature)
    genes, truth = rows[2].subplots(1, 2)
    _draw_genes(genes, dose_genes)
    _draw_truth(truth, effects, feature, target)
    for axes, letter in zip((left, right, panels[0], genes, truth), "ABCDE", strict=True):
        panel_letter(axes, letter, y=1.06 if letter == "C" else 1.0)
    return figure


def _draw_cells(
    axes: Axes,
    features: anndata.AnnData,
    moved: anndata.AnnData,
    feature: str,
    target: str,
    stages: Sequence[str],
) -> None:
    without_axes(axes)
    rows = (moved.obs["feature"].astype(str) == feature).to_numpy()
    origin = str(moved.obs["cell_type"].iloc[0])
    place = np.asarray(features.obsm["X_pca"])
    types = features.obs["cell_type"].astype(str).to_numpy()
    is_target = types == target
    size = point_size(len(place))
    between = _between(stages, origin, target)
    cloud(axes, *place[~is_target & ~np.isin(types, list(between))].T, s=size, color=BACKGROUND)
    for name, colour in between.items():
        cloud(axes, *place[types == name].T, s=size, color=colour)
    cloud(
        axes, *place[is_target].T, s=1.3 * size, facecolors="white", edgecolors=TARGET,
        linewidths=0.6,
    )  # fmt: skip
    condition = moved.obs["condition"].astype(str).to_numpy()
    ends = [np.asarray(moved.obsm["X_pca"])[rows & (condition == name)] for name in _CONDITIONS]
    axes.plot(
        *np.stack(ends, axis=2).transpose(1, 2, 0), color=AFTER, lw=0.4, alpha=0.35, zorder=2,
        rasterized=True,
    )  # fmt: skip
    for points, colour in zip(ends, (BEFORE, AFTER), strict=True):
        cloud(axes, *points.T, s=1.4 * size, color=colour, alpha=0.8, zorder=3)
    labels = {
        f"{origin}, before": (BEFORE, BEFORE),
        f"{origin}, after": (AFTER, AFTER),
        **{name: (colour, colour) for name, colour in between.items()},
        f"{target} (target)": ("white", TARGET),
        "other cells": (BACKGROUND, BACKGROUND),
    }
    handles = [
        Line2D([], [], ls="", marker="o", ms=5, mfc=face, mec=edge, label=label)
        for label, (face, edge) in labels.items()
    ]
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=2, columnspacing=1.0
    )
    axes.set_title(f"Feature {feature} in {origin}")


def _between(stages: Sequence[str], origin: str, target: str) -> dict[str, str]:
    """Stages between the ends, each in its colour: the later the darker."""
    names = [name for name in stages if name not in (origin, target)]
    shades = mpl.colormaps["YlOrBr"](np.linspace(0.15, 0.45, len(names)))
    return {name: to_hex(shade) for name, shade in zip(names, shades, strict=True)}


def _draw_movement(axes: Axes, doses: pd.DataFrame, target: str) -> None:
    if doses.empty:
        not_in_this_run(axes, "no doses were asked for")
        return
    _shade(axes, doses)
    ways, arrivals = distinct_colours(2)
    axes.fill_between(
        doses["dose"], doses["way_low"], doses["way_high"], color=ways, alpha=0.25, lw=0
    )
    axes.plot(doses["dose"], doses["way"], "o-", color=ways, label="way covered")
    axes.plot(doses["dose"], doses["share_arrived"], "s--", color=arrivals, label="cells arrived")
    axes.axhline(0, color=MUTED, lw=0.6, zorder=0)
    axes.set_xlabel("dose (1: the edit)")
    axes.set_ylabel(f"share, towards {target}" if len(target) < 24 else "share, towards the target")
    axes.legend(loc="upper left")


def _shade(axes: Axes, doses: pd.DataFrame) -> None:
    """Grey from the first dose that no cell has."""
    beyond = doses.loc[doses["beyond_range"].astype(bool), "dose"]
    if len(beyond):
        inside = doses.loc[~doses["beyond_range"].astype(bool), "dose"]
        edge = float(beyond.min()) if inside.empty else (inside.max() + beyond.min()) / 2
        axes.axvspan(edge, float(doses["dose"].max()), color=BACKGROUND, alpha=0.5, lw=0, zorder=0)


def _draw_genes(axes: Axes, genes: pd.DataFrame) -> None:
    if genes.empty:
        not_in_this_run(axes, "nothing decodes to genes,\nor no doses were asked for")
        return
    last = genes[genes["dose"] == genes["dose"].max()].sort_values("log2_fold")
    names = list(genes["gene"].drop_duplicates())
    colours = dict(zip(names, distinct_colours(len(names)), strict=True))
    for name, part in genes.groupby("gene", sort=False):
        axes.fill_between(
            part["dose"], part["low"], part["high"], color=colours[name], alpha=0.15, lw=0
        )
        axes.plot(part["dose"], part["log2_fold"], "o-", ms=2.5, lw=1.0, color=colours[name])
    axes.axhline(0, color=MUTED, lw=0.6, zorder=0)
    low, high = axes.get_ylim()
    heights = apart(last["log2_fold"].to_numpy(), (high - low) / 15)
    width = float(genes["dose"].max())
    for (_, row), height in zip(last.iterrows(), heights, strict=True):
        axes.annotate(
            str(row["gene"]), (width, row["log2_fold"]), xytext=(width * 1.07, height), va="center",
            fontsize=6.5, color=colours[row["gene"]], annotation_clip=False,
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": MUTED, "shrinkA": 0, "shrinkB": 1},
        )  # fmt: skip
    axes.set_xlim(0, width * 1.32)
    axes.set_xticks([tick for tick in sorted(set(genes["dose"])) if tick in (0, 0.5, 1, 1.5, 2)])
    axes.set_xlabel("dose (1: the edit)")
    axes.set_ylabel("log2 ratio, less the typical gene's")


def _draw_controls(panels: np.ndarray, controls: pd.DataFrame, feature: str) -> None:
    kinds = [kind for kind in KINDS if (controls["kind"] == kind).any()]
    heights = {kind: len(kinds) - number for number, kind in enumerate(kinds)}
    rng = np.random.default_rng(0)
    mine, other = distinct_colours(2)
    for axes, (measure, limits) in zip(panels, MEASURES.items(), strict=True):
        axes.set_title(_winner(controls, measure))
        if controls[measure].isna().all():
            not_in_this_run(axes, "nothing decodes to genes")
            axes.tick_params(left=False)
            continue
        for kind in kinds:
            part = controls[controls["kind"] == kind]
            _draw_kind(
                axes, part, measure, heights[kind], rng, mine if kind == "feature" else other
            )
        value = float(controls.loc[controls["kind"] == "feature", measure].iloc[0])
        axes.axvline(value, color=mine, lw=0.8, ls=":", zorder=0)
        axes.set_xlim(*_window(controls[measure], limits))
        axes.set_ylim(0.4, len(kinds) + 0.6)
    labels = [KINDS[kind] if kind != "feature" else f"feature {feature}" for kind in kinds]
    panels[0].set_yticks([heights[kind] for kind in kinds], labels)


def _winner(controls: pd.DataFrame, measure: str) -> str:
    """The measure, and what does better by it, on two lines."""
    of = controls.set_index("kind")[measure]
    mine, means = float(of["feature"]), float(of["mean_difference"])
    if not np.isfinite(mine) or not np.isfinite(means):
        return measure
    word = "as good as" if mine == means else "better than" if mine > means else "worse than"
    return f"{measure}\n{word} the means"


def _draw_kind(
    axes: Axes,
    part: pd.DataFrame,
    measure: str,
    height: float,
    rng: np.random.Generator,
    colour: str,
) -> None:
    if len(part) > 1:
        spread = rng.uniform(-0.28, 0.28, len(part))
        cloud(axes, part[measure], height + spread, s=5, color=MUTED, alpha=0.6)
        return
    row = part.iloc[0]
    bounds = [[row[f"{measure}_low"]], [row[f"{measure}_high"]]]
    axes.plot(np.ravel(bounds), [height, height], color=colour, lw=1.4)
    axes.plot(row[measure], height, "D", color=colour, ms=5)


def _window(values: pd.Series, limits: tuple[float, float]) -> tuple[float, float]:
    """Around all values, not beyond what the measure can be by more than a margin."""
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low or 1)
    return max(low - margin, limits[0] - 0.05), min(high + 3 * margin, limits[1] + 0.05)


def _draw_truth(axes: Axes, effects: pd.DataFrame, feature: str, target: str) -> None:
    mine = effects[
        (effects["feature"].astype(str) == feature) & (effects["convention"] == "corrected")
    ]
    mine = mine[np.isfinite(mine["true_log2_fold"].astype(float))]
    if mine.empty:
        not_in_this_run(axes, "nothing decodes to genes")
        return
    x, y = (mine[name].to_numpy(dtype=float) for name in ("true_log2_fold", "log2_fold"))
    n = max(1, min(50, len(mine) // 4))
    strong = np.isin(np.arange(len(x)), np.argsort(-np.abs(mine["true_t"].to_numpy()))[:n])
    other = distinct_colours(2)[1]
    cloud(axes, x[~strong], y[~strong], s=3, color=MUTED, alpha=0.35)
    cloud(axes, x[strong], y[strong], s=9, color=other, alpha=0.9)
    for place in (axes.axhline, axes.axvline):
        place(0, color=MUTED, lw=0.6, zorder=0)
    texts = mine["gene"].astype(str).to_numpy()
    for row in far_out(x, y, strong):
        axes.annotate(
            texts[row], (x[row], y[row]), xytext=(3, 0), textcoords="offset points", fontsize=6,
            va="center",
        )  # fmt: skip
    r = float(np.corrcoef(x, y)[0, 1]) if len(x) > 2 and y.std() > 0 else float("nan")
    axes.set_title(f"r = {r:.2f} over all genes\ncoloured: the {n} that differ most")
    short = target if len(target) < 20 else "target"
    axes.set_xlabel(f"measured log2 ratio, {short} over origin")
    axes.set_ylabel("log2 ratio of the edit")
