"""**Figure S13. What single features hold of the hierarchical simulation.** **A** Best correlation
of a single feature with each kind of variable (mean over its variables) by the width of the SAE
as a multiple of the embedding's dimensions; marks and lines tell the sizes of embeddings apart,
bars are 95 % t intervals over seeds (the range where there are two). Pale lines: correlation of
the best linear read-out of the same embedding (square root of the held-out R²), which a feature
of it can hardly exceed. Dotted: as many random directions that fire as often. **B** Genes and
features count as connected where the cosine of activation and expression exceeds a percentile of
all cosines. Coverage is the share of a program's genes that its best feature reaches: boxes and
their mean over the programs that some feature matched, as published (their number above), and
the mean over all programs. Two nulls: features keep their number of genes, or genes keep their
number of features as well. **C** Precision and F1 of the same match; coverage ignores precision,
so that a feature connected to every gene covers every program. **D** The SAEs of the largest
embedding beside SAEs that were not trained, or whose decoder was not, and the components of PCA,
ICA, SVD and NMF of the observables. SAEs are of the kind whose structure is shown (in the paper
ReLU, L1 weight 1e-3). Correlations follow the corrected convention: absolute, and η for the
categories A and B.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from scipy import stats

from featurelens.conventions import Convention
from featurelens.figures.parts.baseline_panel import draw_baselines, groups_of
from featurelens.figures.parts.curves import name_ticks
from featurelens.figures.parts.palette import VARIABLE_COLOURS
from featurelens.figures.parts.structure_panels import draw_coverage, draw_match
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)
from featurelens.sweeps.selection import fully_trained

INPUTS = {
    "points": "tables/sweep_points.tsv",
    "recovery": "tables/sweep_recovery.tsv",
    "structure": "sweeps/{structure_sweep}/structure.tsv",
    "programs": "sweeps/{structure_sweep}/structure_programs.tsv",
    "baselines": "baselines/{structure_sweep.source}/recovery.tsv",
    "superposition": "tables/superposition.tsv",
}
PARAMS = {"sweeps": "{structure_relatives}", "select": "{structure_select}?"}
TOGETHER = "sweeps"

_SIZES = (("o", "-"), ("s", (0, (5, 1.5))), ("D", (0, (3, 1, 1, 1))), ("^", (0, (1, 1))))
"""Marker and line of each size of embedding, in order."""
_VARIED = ("expansion", "seed", "trained")
"""Fields whose every value the figure shows, whichever are selected for structure recovery."""
CONFIDENCE = 0.95


@styled
def draw(
    points: pd.DataFrame,
    recovery: pd.DataFrame,
    structure: pd.DataFrame,
    programs: pd.DataFrame,
    baselines: pd.DataFrame,
    superposition: pd.DataFrame,
    *,
    sweeps: Sequence[str],
    select: Mapping[str, Any],
    convention: Convention = "corrected",
) -> Figure:
    """Draw Figure S13.

    Parameters
    ----------
    points, recovery
        ``tables/sweep_points.tsv`` and ``tables/sweep_recovery.tsv``.
    structure, programs
        Structure recovery of the embedding with most dimensions: ``structure.tsv`` and
        ``structure_programs.tsv``.
    baselines
        Recovery by decompositions of the same data.
    superposition
        ``tables/superposition.tsv``; the rows of the embeddings that the points were trained on
        (their ``source``, "simulation/autoencoder") give the correlation of a linear read-out.
    sweeps
        Names of the sweeps over embeddings of the hierarchical simulation, whatever their size.
    select
        Fields and values of the SAEs that are drawn, such as architecture: relu, l1: 0.001.
    convention
        Convention of the correlations.

    Returns
    -------
    Figure
        A: best correlation by expansion factor, a panel for each kind of variable, with its
        ceiling and null; B, C: coverage, precision and F1 of structure recovery; D: the SAEs
        beside baselines.
    """
    of_convention = (recovery["convention"] == convention) & recovery["sweep"].isin(sweeps)
    chosen = recovery[of_convention].merge(
        points[["sweep", "id", "source", "d_in"]], on=["sweep", "id"]
    )
    chosen = chosen[matches(chosen, select)]
    trained = fully_trained(chosen)
    ceilings = {
        int(d_in): read_out_ceiling(
            _of_source(superposition, trained[trained["d_in"] == d_in]), convention=convention
        )
        for d_in in np.unique(trained["d_in"])
    }
    figure = new_figure(FULL_WIDTH, 7.4)
    rows = figure.add_gridspec(3, 1, height_ratios=[1.0, 1.25, 1.15])
    _draw_expansions(figure, rows[0], trained, ceilings)
    middle = rows[1].subgridspec(1, 2, wspace=0.08)
    coverage, match = figure.add_subplot(middle[0]), figure.add_subplot(middle[1])
    draw_coverage(coverage, structure, programs)
    draw_match(match, structure)
    panel_letter(coverage, "B", x=-0.12)
    panel_letter(match, "C", x=-0.12)
    last = figure.add_subplot(rows[2])
    of_baselines = baselines[baselines["convention"] == convention]
    largest = max(ceilings, default=0)
    draw_baselines(
        last, chosen[chosen["d_in"] == largest], of_baselines, ceilings.get(largest), largest
    )
    panel_letter(last, "D", x=-0.05)
    return figure


def matches(table: pd.DataFrame, select: Mapping[str, Any]) -> pd.Series:
    """Rows with the selected values of all fields that the figure does not vary itself."""
    kept = pd.Series(True, index=table.index)
    for name, value in select.items():
        if name not in _VARIED:
            kept &= table[name] == value
    return kept


def mean_intervals(points: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Mean of ``y`` over seeds at each ``x`` with its 95 % t interval, or its range for two seeds.

    Returns
    -------
    DataFrame
        Columns x, mean, half (half the width; NaN for a single seed), n_seeds, in order of x.
    """
    of = points.dropna(subset=[y]).groupby([x, "seed"], sort=True)[y].mean().groupby(level=0)
    table = of.agg(["mean", "std", "min", "max", "size"])
    n = table["size"]
    interval = stats.t.ppf((1 + CONFIDENCE) / 2, (n - 1).clip(lower=1)) * table["std"] / n**0.5
    half = interval.where(n > 2, (table["max"] - table["min"]) / 2).where(n > 1)
    result = pd.DataFrame({"mean": table["mean"], "half": half, "n_seeds": n})
    return result.rename_axis("x").reset_index()


def read_out_ceiling(superposition: pd.DataFrame, *, convention: Convention) -> pd.Series:
    """Correlation of each group with its best linear read-out, the mean over its variables.

    No direction of the embedding correlates better with a variable; a feature may, because it is
    not linear. Groups whose score is not an R² (categories under the corrected convention) are
    left out.
    """
    rows = superposition[superposition["convention"] == convention].dropna(subset=["correlation"])
    return rows.groupby("group", sort=False)["correlation"].mean()


def _of_source(superposition: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Rows of the embedding that the points were trained on."""
    source = superposition["simulation"] + "/" + superposition["autoencoder"]
    return superposition[source.isin(points["source"].unique())]


def _draw_expansions(
    figure: Figure, place: Any, points: pd.DataFrame, ceilings: Mapping[int, pd.Series]
) -> None:
    groups = groups_of(points)
    if not groups:
        panel = figure.add_subplot(place)
        panel_letter(panel, "A", x=-0.05)
        not_in_this_run(panel, "no SAE sweep on this simulation")
        return
    grid = place.subgridspec(1, len(groups), wspace=0.03)
    first: Axes | None = None
    for column, group in enumerate(groups):
        panel = figure.add_subplot(grid[column], sharey=first)
        panel.set_title(group, color=VARIABLE_COLOURS[group], fontweight="bold")
        for d_in, look in zip(ceilings, _SIZES, strict=False):
            rows = points[(points["group"] == group) & (points["d_in"] == d_in)]
            _draw_size(panel, rows, group, look, ceilings[d_in].get(group))
        panel.set_xscale("log")
        name_ticks(panel, points["expansion"])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_xlabel("expansion")
        panel.set_ylim(-0.03, 1.05)
        panel.tick_params(labelleft=first is None)
        if first is None:
            first = panel
            panel.set_ylabel("mean best correlation")
            panel_letter(panel, "A", x=-0.3)
    handles = [
        Line2D([], [], color=MUTED, marker=marker, ls=line, ms=4.5, label=f"{d_in} dimensions")
        for d_in, (marker, line) in zip(ceilings, _SIZES, strict=False)
    ] + [
        Line2D([], [], color=MUTED, lw=1.6, marker="_", ls="", ms=9, label="best linear\nread-out"),
        Line2D([], [], color=MUTED, lw=1.0, ls=":", label="random\ndirections"),
    ]
    panel.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=2.2)


def _draw_size(
    axes: Axes, rows: pd.DataFrame, group: str, look: tuple[str, Any], ceiling: float | None
) -> None:
    """One size of embedding in the panel of a group: mean and interval, null, ceiling."""
    if rows.empty:
        return
    colour = VARIABLE_COLOURS[group]
    marker, line = look
    found = mean_intervals(rows, "expansion", "best_correlation")
    axes.errorbar(
        found["x"], found["mean"], yerr=found["half"].fillna(0), color=colour, marker=marker,
        ls=line, ms=5, markeredgecolor="white", markeredgewidth=0.5, lw=1.1, elinewidth=0.9,
        capsize=2, zorder=4,
    )  # fmt: skip
    null = mean_intervals(rows, "expansion", "null_best_correlation")
    axes.plot(null["x"], null["mean"], color=colour, ls=":", lw=1.0, marker=marker, ms=2)
    if ceiling is not None:
        axes.axhline(ceiling, color=colour, lw=1.4, alpha=0.45, ls=line, zorder=1)
