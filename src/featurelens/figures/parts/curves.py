"""Curves of a sweep: a mean over settings, its spread over seeds, every run as a faint dot."""

from collections.abc import Collection, Mapping
from functools import lru_cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter


def seed_means(points: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Mean of ``y`` at each ``x``, first over all settings of a seed, then over seeds.

    Returns
    -------
    DataFrame
        Columns x, mean, low, high, n_seeds, in order of x; low and high are the lowest and
        highest mean of a single seed.
    """
    per_seed = points.dropna(subset=[y]).groupby([x, "seed"], sort=True)[y].mean()
    summary = per_seed.groupby(level=0).agg(["mean", "min", "max", "size"])
    summary.columns = pd.Index(["mean", "low", "high", "n_seeds"])
    return summary.rename_axis("x").reset_index()


N_RESAMPLES = 200
"""Resamples of a bootstrapped interval."""


def mean_line(points: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Mean of ``y`` at each ``x`` and its bootstrapped 95 % interval, by percentiles.

    Parameters
    ----------
    points
        One row per run, with finite ``x`` and ``y``.
    x, y
        Columns.

    Returns
    -------
    DataFrame
        Columns mean, low, high; index ``x`` in order. Where there is one run alone, low and high
        are NaN. The same runs give the same interval, in whatever order they come.

    Examples
    --------
    >>> points = pd.DataFrame({"size": [10, 10, 20], "loss": [1.0, 1.0, 3.0]})
    >>> mean_line(points, "size", "loss")  # equal losses have no spread, one alone no interval
          mean  low  high
    size
    10     1.0  1.0   1.0
    20     3.0  NaN   NaN
    """
    rows = {}
    for place, of_place in points.groupby(x, sort=True)[y]:
        values = np.sort(of_place.to_numpy(dtype=float))
        low = high = np.nan
        if len(values) > 1:
            low, high = np.percentile(values[_resamples(len(values))].mean(axis=1), [2.5, 97.5])
        rows[place] = {"mean": values.mean(), "low": low, "high": high}
    lines = pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "low", "high"])
    return lines.rename_axis(x)


@lru_cache(maxsize=64)
def _resamples(count: int) -> np.ndarray:
    """Places of the values of every resample, (N_RESAMPLES, count)."""
    return np.random.default_rng(0).integers(0, count, (N_RESAMPLES, count))


def draw_curves(
    axes: Axes,
    points: pd.DataFrame,
    *,
    x: str,
    y: str,
    hue: str,
    colours: Mapping[str, str],
    markers: Mapping[str, str],
) -> None:
    """One curve per value of ``hue`` in the order of ``colours``, on a logarithmic x axis.

    Dots are single runs, moved sideways a little so that curves do not hide one another; bars
    span the means of single seeds.
    """
    present = [name for name in colours if (points[hue] == name).any()]
    step = 0.012 * np.log(points[x].max() / points[x].min())
    for position, name in enumerate(present):
        of_name = points[points[hue] == name]
        shift = np.exp(step * (position - (len(present) - 1) / 2))
        axes.scatter(
            of_name[x] * shift, of_name[y], s=5, color=colours[name], alpha=0.25, linewidths=0,
            rasterized=True,
        )  # fmt: skip
        curve = seed_means(of_name, x, y)
        axes.errorbar(
            curve["x"] * shift,
            curve["mean"],
            yerr=np.array([curve["mean"] - curve["low"], curve["high"] - curve["mean"]]),
            color=colours[name],
            marker=markers.get(name, "o"),
            ms=_marker_size(markers.get(name, "o")),
            markeredgecolor="white",
            markeredgewidth=0.5,
            capsize=2,
            elinewidth=0.8,
            zorder=3,
        )
    axes.set_xscale("log")
    axes.yaxis.set_minor_formatter(NullFormatter())
    name_ticks(axes, points[x])


def side_legend(
    axes: Axes,
    colours: Mapping[str, str],
    markers: Mapping[str, str],
    present: Collection[str],
    *,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Key of the curves to the right of the panel, where it hides none of them."""
    names = labels or {}
    handles = [
        Line2D(
            [], [], color=colour, marker=markers.get(name, "o"), markeredgecolor="white",
            markeredgewidth=0.5, ms=_marker_size(markers.get(name, "o")) + 1,
            label=names.get(name, name),
        )
        for name, colour in colours.items()
        if name in present
    ]  # fmt: skip
    axes.legend(
        handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.6,
        borderaxespad=0.3,
    )  # fmt: skip


def whole_decades(values: pd.Series | np.ndarray, *, below: float = 0.0) -> tuple[float, float]:
    """Powers of ten around all positive values; ``below`` asks for room, in decades."""
    logs = np.log10(np.asarray(values, dtype=float)[np.asarray(values, dtype=float) > 0])
    if not logs.size:
        return 0.1, 10.0
    return 10.0 ** np.floor(logs.min() - below), 10.0 ** np.ceil(logs.max() + 0.05)


def _marker_size(marker: str) -> float:
    """Points; a star has little area for its width."""
    return 7.5 if marker == "*" else 4.8


def name_ticks(axes: Axes, values: pd.Series) -> None:
    """Ticks of the x axis at the values of the grid, thinned where their labels would touch."""
    grid = np.unique(values.dropna().to_numpy(dtype=float))
    if not grid.size:
        return
    span = max(np.log(grid[-1] / grid[0]), 1e-9)
    shown = [grid[0]]
    for value in grid[1:]:
        if np.log(value / shown[-1]) / span > 0.13:
            shown.append(value)
    axes.set_xticks(shown, [f"{value:g}" for value in shown], minor=False)
    axes.set_xticks([], minor=True)
