"""The panel of Figure S13 that sets SAEs beside what is no trained SAE."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from featurelens.figures.parts.palette import VARIABLE_COLOURS
from featurelens.figures.parts.style import BACKGROUND, MUTED, not_in_this_run
from featurelens.sweeps.selection import fully_trained

_BASELINES = {"pca": "^", "ica": "v", "svd": "D", "nmf": "s"}
_PARTS = {"nothing": ("P", "untrained"), "encoder": ("X", "frozen decoder")}


def draw_baselines(
    axes: Axes,
    points: pd.DataFrame,
    baselines: pd.DataFrame,
    ceiling: pd.Series | None,
    d_in: int,
) -> None:
    """Trained SAEs of one embedding, and beside them SAEs in part untrained and decompositions.

    Parameters
    ----------
    points
        Mean best correlation of each SAE with each group of variables, and its null.
    baselines
        The same of decompositions of the observables.
    ceiling
        Correlation of the best linear read-out, by group.
    d_in
        Dimensions of the embedding, for the title.
    """
    axes.set_title(f"SAEs on {d_in} dimensions beside baselines", loc="left")
    groups = groups_of(points, baselines)
    if not groups:
        not_in_this_run(axes, "no correlation of features with variables")
        return
    for place, group in enumerate(groups):
        colour = VARIABLE_COLOURS[group]
        of_group = points[points["group"] == group]
        trained = fully_trained(of_group)
        if ceiling is not None and group in ceiling:
            axes.plot([place - 0.42, place + 0.42], [ceiling[group]] * 2, color="black", lw=1.4)
        axes.plot(
            [place - 0.42, place + 0.42], [trained["null_best_correlation"].mean()] * 2,
            color=colour, lw=1.0, ls=":",
        )  # fmt: skip
        _draw_runs(axes, place - 0.3, trained["best_correlation"].to_numpy(), colour)
        steps = iter(np.linspace(-0.14, 0.4, len(_PARTS) + len(_BASELINES)))
        for part, (marker, _) in _PARTS.items():
            values = of_group.loc[of_group["trained"] == part, "best_correlation"]
            _draw_open(axes, place + next(steps), values, marker, colour)
        for method, marker in _BASELINES.items():
            mine = (baselines["method"] == method) & (baselines["group"] == group)
            _draw_open(
                axes, place + next(steps), baselines.loc[mine, "best_correlation"], marker, colour
            )
    axes.axhline(0, color=BACKGROUND, lw=0.8, zorder=0)
    axes.set_ylim(-0.03, 1.05)
    axes.set_xticks(range(len(groups)), groups)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("mean best correlation")
    handles = [
        Line2D([], [], ls="", marker="o", ms=6, color=MUTED, label="SAEs (dots), mean"),
        *(
            Line2D([], [], ls="", marker=marker, ms=5, mfc="white", mec=MUTED, label=name)
            for marker, name in (*_PARTS.values(), *((m, n.upper()) for n, m in _BASELINES.items()))
        ),
        Line2D([], [], color="black", lw=1.4, label="best linear read-out"),
        Line2D([], [], color=MUTED, lw=1.0, ls=":", label="random directions"),
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_runs(axes: Axes, place: float, values: np.ndarray, colour: str) -> None:
    """Every SAE as a dot, their mean as a larger one."""
    values = values[~np.isnan(values)]
    if not values.size:
        return
    side = np.linspace(-0.06, 0.06, len(values)) if len(values) > 1 else np.zeros(1)
    axes.scatter(place + side, values, s=6, color=colour, alpha=0.4, linewidths=0, rasterized=True)
    axes.scatter(
        [place], [values.mean()], s=34, color=colour, edgecolors="white", linewidths=0.6, zorder=4
    )


def _draw_open(axes: Axes, place: float, values: pd.Series, marker: str, colour: str) -> None:
    """Mean of a baseline as an open mark, its range as a bar."""
    values = values.dropna()
    if values.empty:
        return
    axes.plot([place, place], [values.min(), values.max()], color=colour, lw=0.9, zorder=2)
    axes.scatter(
        [place], [values.mean()], marker=marker, s=20, facecolors="white", edgecolors=colour,
        linewidths=1.0, zorder=3,
    )  # fmt: skip


def groups_of(*tables: pd.DataFrame) -> Sequence[str]:
    """Groups of variables in some of the tables, in the order of the figures."""
    present = {group for table in tables if len(table) for group in table["group"]}
    return [group for group in VARIABLE_COLOURS if group in present]
