"""Cell types by the features that are active in them, and those that are theirs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.conventions import CONVENTIONS
from featurelens.figures.parts.feature_types import RULES
from featurelens.figures.parts.style import MUTED, not_in_this_run

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes

ACTIVE_ABOVE = 1e-10
"""Activation above which the author counts a feature as active."""

RULE_COLOURS = dict(zip(CONVENTIONS, ("#1b2a5e", "#92b4d8"), strict=True))
RULE_MARKERS = dict(zip(CONVENTIONS, ("o", "s"), strict=True))

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_ROW = 0.15


def height_of(n_types: int) -> float:
    """Inches of a panel with one row a cell type."""
    return 0.75 + _ROW * max(n_types, 4)


def active_features(features: AnnData) -> pd.DataFrame:
    """Active features of the cells of every type.

    Returns
    -------
    DataFrame
        cell_type (index, by falling median), n_cells, mean, sem (NaN for one cell), and the
        quantiles q05, q25, q50, q75, q95 of the number of features that a cell activates.
    """
    X = sparse.csr_matrix(features.X)
    counts = pd.Series(np.asarray((X > ACTIVE_ABOVE).sum(axis=1)).ravel())
    grouped = counts.groupby(features.obs["cell_type"].astype(str).to_numpy())
    table = pd.DataFrame({"n_cells": grouped.size(), "mean": grouped.mean(), "sem": grouped.sem()})
    for quantile in _QUANTILES:
        table[f"q{round(100 * quantile):02d}"] = grouped.quantile(quantile)
    return table.sort_values(["q50", "mean"], ascending=False).rename_axis("cell_type")


def draw_active(axes: Axes, table: pd.DataFrame) -> None:
    """Boxes of the number of features that cells of each type activate, the mean as a dot.

    Parameters
    ----------
    axes
        The panel.
    table
        Of :func:`active_features`.
    """
    boxes = [
        {
            "label": f"{name} ({row['n_cells']:,.0f})", "med": row["q50"], "q1": row["q25"],
            "q3": row["q75"], "whislo": row["q05"], "whishi": row["q95"], "fliers": [],
        }
        for name, row in table.iterrows()
    ]  # fmt: skip
    places = np.arange(len(boxes))
    axes.bxp(
        boxes, positions=places, orientation="horizontal", widths=0.62, showfliers=False,
        patch_artist=True, boxprops={"facecolor": "#dfe6ef", "linewidth": 0.6},
        medianprops={"color": "black", "linewidth": 1.0},
        whiskerprops={"linewidth": 0.6}, capprops={"linewidth": 0.6},
    )  # fmt: skip
    axes.errorbar(
        table["mean"], places, xerr=1.96 * table["sem"].fillna(0), fmt="D", ms=2.6,
        color="#d55e00", elinewidth=0.9, zorder=4,
    )  # fmt: skip
    overall = float(np.average(table["mean"], weights=table["n_cells"]))
    axes.axvline(overall, color=MUTED, lw=0.8, ls=":", zorder=0)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0, labelsize=6)
    axes.set_xlabel(f"active features per cell\n(dotted: mean over all cells, {overall:.4g})")


def draw_local_bars(axes: Axes, table: pd.DataFrame) -> None:
    """Local features of every cell type under both rules, the most frequent first.

    Parameters
    ----------
    axes
        The panel.
    table
        cell_type, convention, n_local and n_cells, of one SAE.
    """
    wide = _by_type(table)
    places = np.arange(len(wide))
    for shift, convention in zip((-0.2, 0.2), CONVENTIONS, strict=True):
        axes.barh(
            places + shift, wide[convention], height=0.38, color=RULE_COLOURS[convention],
            label=f"{RULES[convention]} ({wide[convention].sum():,})",
        )  # fmt: skip
    axes.set_yticks(places, wide.index, fontsize=6)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("local features")
    axes.legend(loc="lower right")


def draw_local_scatter(axes: Axes, table: pd.DataFrame) -> None:
    """Local features against cells of every type, with the rank correlation of either rule."""
    wide = _by_type(table)
    if len(wide) < 3:
        not_in_this_run(axes, "three cell types, to correlate")
        return
    for convention in CONVENTIONS:
        varies = wide[["n_cells", convention]].nunique().min() > 1
        label = "the same number in all"
        if varies:
            label = f"Spearman {wide['n_cells'].corr(wide[convention], method='spearman'):.2f}"
        axes.scatter(
            wide["n_cells"], wide[convention], s=16, color=RULE_COLOURS[convention],
            marker=RULE_MARKERS[convention], linewidths=0, zorder=3,
            label=f"{RULES[convention]}: {label}",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("cells of the type")
    axes.set_ylabel("local features")
    top = float(wide[list(CONVENTIONS)].to_numpy().max())
    axes.set_ylim(-0.04 * top - 0.3, 1.28 * top + 1)
    axes.legend(loc="upper left")


def _by_type(table: pd.DataFrame) -> pd.DataFrame:
    """One row a cell type: n_cells and a column of local features for each rule."""
    wide = table.pivot(index="cell_type", columns="convention", values="n_local")
    wide["n_cells"] = table.groupby("cell_type")["n_cells"].first()
    return wide.sort_values([*CONVENTIONS, "n_cells"], ascending=False)
