"""Figure S13: how much of the simulation's structure single SAE features hold, against nulls."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from featurelens.conventions import Convention
from featurelens.figures.curves import draw_curves, side_legend
from featurelens.figures.palette import FALLBACK_COLOUR, VARIABLE_COLOURS, VARIABLE_MARKERS
from featurelens.figures.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)
from featurelens.sweeps import fully_trained

_COVERED_COLOUR = VARIABLE_COLOURS["X''"]
_ALL_COLOUR = "#d55e00"
_BASELINE_MARKERS = {"pca": "^", "ica": "v", "svd": "D"}
_COVERAGE = (
    ("coverage_covered", _COVERED_COLOUR, "-", "o", "matched programs (published)"),
    ("null_coverage_covered", _COVERED_COLOUR, ":", "", "matched programs, null"),
    ("coverage_all", _ALL_COLOUR, "-", "s", "all programs"),
    ("null_coverage_all", _ALL_COLOUR, ":", "", "all programs, null"),
)
_F1 = (
    ("f1", _COVERED_COLOUR, "-", "o", "F1"),
    ("null_f1", _COVERED_COLOUR, ":", "", "F1, null"),
    ("precision", _ALL_COLOUR, "-", "s", "precision"),
    ("null_precision", _ALL_COLOUR, ":", "", "precision, null"),
)


@styled
def draw_figure_S13(
    structure: pd.DataFrame,
    points: pd.DataFrame,
    recovery: pd.DataFrame,
    baselines: pd.DataFrame,
    superposition: pd.DataFrame,
    *,
    convention: Convention = "corrected",
) -> Figure:
    """Draw Figure S13.

    Parameters
    ----------
    structure
        Structure recovery: percentile, n_covered, coverage_covered, coverage_all, precision, f1
        and the nulls; several SAEs are averaged.
    points, recovery
        Points of a sweep over an embedding of the hierarchical simulation, and their recovery.
    baselines
        Recovery by decompositions of the same data: method, convention, group, best_correlation.
    superposition
        ``tables/superposition.tsv``; the rows of the embedding that the points were trained on
        (their ``source``, "simulation/autoencoder") give the correlation of a linear read-out.
    convention
        Convention of the correlations.

    Returns
    -------
    Figure
        A: share of a program's genes that its best feature covers, B: F1 and precision of the
        same match, C: best correlation by width of the SAE, D: best correlation of SAEs and
        baselines beside the correlation of the best linear read-out.
    """
    figure = new_figure(FULL_WIDTH, 5.6)
    axes = figure.subplots(2, 2).ravel()
    _draw_structure(axes[0], structure, _COVERAGE, "Coverage of a program's genes")
    _write_counts(axes[0], structure)
    _draw_structure(axes[1], structure, _F1, "Match of feature and program")
    finished = fully_trained(points[points["status"] == "ok"]) if len(points) else points
    chosen = recovery[recovery["convention"] == convention] if len(recovery) else recovery
    joined = chosen.merge(finished, on="id") if len(chosen) else chosen
    _draw_widths(axes[2], joined)
    _draw_ceiling(
        axes[3],
        joined,
        baselines[baselines["convention"] == convention] if len(baselines) else baselines,
        read_out_ceiling(_of_source(superposition, finished), convention=convention),
    )
    for panel, letter in zip(axes, "ABCD", strict=True):
        panel_letter(panel, letter, x=-0.12)
    return figure


def read_out_ceiling(superposition: pd.DataFrame, *, convention: Convention) -> pd.Series:
    """Correlation of each group with its best linear read-out, the square root of its mean R².

    No direction of the embedding correlates better with a variable; a feature may, because it is
    not linear. Groups whose score is not an R² (categories under the corrected convention) are
    left out.
    """
    if not len(superposition):
        return pd.Series(dtype=float)
    rows = superposition[
        (superposition["convention"] == convention)
        & superposition["metric"].str.lower().str.startswith("r2")
    ]
    correlation = rows["score"].clip(lower=0, upper=1).pow(0.5)
    return correlation.groupby(rows["group"], sort=False).mean()


def _of_source(superposition: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Rows of the embedding that the points were trained on."""
    if not len(superposition) or not len(points):
        return superposition
    source = superposition["simulation"] + "/" + superposition["autoencoder"]
    return superposition[source.isin(points["source"].unique())]


def _draw_structure(
    axes: Axes,
    structure: pd.DataFrame,
    series: Iterable[tuple[str, str, str, str, str]],
    title: str,
) -> None:
    axes.set_title(title, loc="left")
    if structure.empty:
        not_in_this_run(axes, "no structure recovery")
        return
    means = structure.groupby("percentile", sort=True).mean(numeric_only=True)
    for column, colour, line, marker, label in series:
        axes.plot(
            means.index, means[column], color=colour, ls=line, marker=marker or None, ms=4,
            markeredgecolor="white", markeredgewidth=0.5, label=label,
        )  # fmt: skip
    axes.set_ylim(0, 1.14)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xlabel("percentile of cosine similarity used as threshold")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _write_counts(axes: Axes, structure: pd.DataFrame) -> None:
    """Number of matched programs above each percentile, where there is room for it."""
    if structure.empty:
        return
    counts = structure.groupby("percentile", sort=True)["n_covered"].mean()
    for percentile, count in zip(counts.index.to_numpy(float), counts, strict=True):
        if percentile != 95:
            axes.text(percentile, 1.07, f"{count:.0f}", ha="center", color=MUTED, fontsize=6)
    axes.text(-0.01, 1.07 / 1.14, "$n$ ", transform=axes.transAxes, ha="right", fontsize=6)


def _draw_widths(axes: Axes, recovery: pd.DataFrame) -> None:
    axes.set_title("Best single feature by hidden size", loc="left")
    if recovery.empty:
        not_in_this_run(axes, "no SAE sweep on this simulation")
        return
    draw_curves(
        axes, recovery, x="d_sae", y="best_correlation", hue="group", colours=VARIABLE_COLOURS,
        markers=VARIABLE_MARKERS,
    )  # fmt: skip
    axes.set_ylim(top=1.05)
    axes.set_xlabel("hidden size (features)")
    axes.set_ylabel("mean best correlation")
    side_legend(axes, VARIABLE_COLOURS, VARIABLE_MARKERS, set(recovery["group"]))


def _draw_ceiling(
    axes: Axes, recovery: pd.DataFrame, baselines: pd.DataFrame, ceiling: pd.Series
) -> None:
    axes.set_title("Against baselines and the linear ceiling", loc="left")
    groups = [
        group
        for group in VARIABLE_COLOURS
        if any(len(t) and (t["group"] == group).any() for t in (recovery, baselines))
    ]
    if not groups:
        not_in_this_run(axes, "no correlation of features with variables")
        return
    for place, group in enumerate(groups):
        colour = VARIABLE_COLOURS.get(group, FALLBACK_COLOUR)
        if group in ceiling:
            axes.plot([place - 0.4, place + 0.4], [ceiling[group]] * 2, color="black", lw=1.6)
        if len(recovery):
            _draw_spread(axes, place - 0.18, _values(recovery, group), colour)
        for step, (method, marker) in enumerate(_BASELINE_MARKERS.items()):
            rows = baselines[baselines["method"] == method] if len(baselines) else baselines
            values = _values(rows, group) if len(rows) else np.array([])
            axes.scatter(
                np.full(len(values), place + 0.08 + 0.12 * step), values, marker=marker, s=20,
                facecolors="white", edgecolors=colour, linewidths=1.1, zorder=3,
            )  # fmt: skip
    axes.axhline(0, color=BACKGROUND, lw=0.8, zorder=0)
    axes.set_ylim(top=1.05)
    axes.set_xticks(range(len(groups)), groups)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("mean best correlation")
    _ceiling_legend(axes)


def _values(table: pd.DataFrame, group: str) -> np.ndarray:
    return table.loc[table["group"] == group, "best_correlation"].dropna().to_numpy(dtype=float)


def _draw_spread(axes: Axes, place: float, values: np.ndarray, colour: str) -> None:
    """Every SAE as a dot, their mean as a larger one."""
    if not values.size:
        return
    side = np.linspace(-0.1, 0.1, len(values)) if len(values) > 1 else np.zeros(1)
    axes.scatter(place + side, values, s=6, color=colour, alpha=0.35, linewidths=0, rasterized=True)
    axes.scatter(
        [place], [values.mean()], s=34, color=colour, edgecolors="white", linewidths=0.6, zorder=4
    )


def _ceiling_legend(axes: Axes) -> None:
    handles = [
        Line2D([], [], ls="", marker="o", ms=6, color=MUTED, label="SAEs (dots) and mean"),
        Line2D([], [], color="black", lw=1.6, label="best linear read-out"),
    ] + [
        Line2D([], [], ls="", marker=marker, ms=5, mfc="white", mec=MUTED, label=method.upper())
        for method, marker in _BASELINE_MARKERS.items()
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3)
