"""**Figure S32. Two embeddings, concept by concept.** **A** Every gene set found in both embeddings
by the number of features that carry it, one panel a filter; on the dashed line both numbers are
the same. **B** Mean Jaccard index of features matched one to one over shared gene sets (dots).
Each bar begins at what matrices reach that have the same row and column sums and are otherwise
random. Two seeds of one model, where the run has them, show how alike two embeddings could be.
The dotted line is the paper's value, which stands without either.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from featurelens.figures.parts.concept_panels import FILTER_TITLES, mark_counts, short_names
from featurelens.figures.parts.palette import activation_map, distinct_colours
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    MUTED,
    cloud,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {
    "comparison": "tables/concept_comparison.tsv",
    "frequencies": "tables/concept_frequency.tsv",
}
NEEDS = ("datasets_of_several_models",)
TOGETHER = "controls"

PAPER_SIMILARITY = 0.1555
"""Mean Jaccard index of the paper's two embeddings."""


@styled
def draw(comparison: pd.DataFrame, frequencies: pd.DataFrame) -> Figure:
    """Draw Figure S32 for the first two embeddings.

    Parameters
    ----------
    comparison
        ``tables/concept_comparison.tsv``.
    frequencies
        ``tables/concept_frequency.tsv``: features of each term.

    Returns
    -------
    Figure
        A: features per shared term in both embeddings, one panel a filter. B: similarity of
        matched features between its floor and its ceiling.
    """
    pairs = comparison[(comparison["comparison"] == "embeddings") & (comparison["position"] == 1)]
    figure = new_figure(FULL_WIDTH, 4.5)
    if not len(pairs):
        not_in_this_run(figure.subplots(), "two embeddings of the same cells")
        return figure
    halves: Any = figure.subfigures(2, 1, height_ratios=[2.8, 1.7])
    panels = halves[0].subplots(1, len(pairs), squeeze=False)[0]
    panel_letter(panels[0], "A", x=-0.2)
    for axes, row in zip(panels, _records(pairs), strict=True):
        _draw_counts(axes, row, shared_counts(frequencies, row))
    lower = halves[1].subplots()
    panel_letter(lower, "B", x=-0.3)
    _draw_similarity(lower, pairs)
    halves[1].legend(handles=_legend(pairs), loc="outside lower center", ncols=4, columnspacing=1.2)
    return figure


def shared_counts(frequencies: pd.DataFrame, row: dict[str, Any]) -> pd.DataFrame:
    """Features per term, columns left and right, of the terms found in both SAEs of a row."""
    terms = frequencies[(frequencies["level"] == "term") & (frequencies["filter"] == row["filter"])]
    sides = (
        terms[terms["sae"] == row[side]].set_index("name")["n_features"].rename(side)
        for side in ("left", "right")
    )
    return pd.concat(sides, axis=1, join="inner")


def _records(pairs: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in pairs.to_dict("records")]


def _draw_counts(axes: Axes, row: dict[str, Any], counts: pd.DataFrame) -> None:
    title = FILTER_TITLES[row["filter"]]
    if not len(counts):
        axes.set_title(title)
        not_in_this_run(axes, "no shared term")
        return
    axes.set_title(
        f"{title}\n{row['n_shared']:,} shared terms\n"
        f"Spearman {row['spearman']:.2f}, Pearson {row['pearson']:.2f}",
        fontsize=7,
    )
    names = short_names([row["left"], row["right"]])
    top = float(counts.to_numpy().max())
    axes.plot([1, top], [1, top], color="crimson", lw=0.9, ls="--", zorder=0)
    size = float(np.clip(3000 / len(counts), 3, 14))
    cloud(axes, counts["left"], counts["right"], s=size, color=activation_map()(0.75), alpha=0.55)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        mark_counts(axis)
    axes.set_xlabel(f"features of {names[row['left']]}")
    axes.set_ylabel(f"features of {names[row['right']]}")


def _draw_similarity(axes: Axes, pairs: pd.DataFrame) -> None:
    """One bar from floor to similarity for the embeddings of a filter, and one for two seeds."""
    _, embeddings, seeds = distinct_colours(3)
    rows = _records(pairs)[::-1]
    for place, row in enumerate(rows):
        _draw_span(axes, place + 0.16, row["floor"], row["similarity"], embeddings)
        axes.errorbar(
            row["floor"], place + 0.16, xerr=2 * row["floor_sd"], fmt="none", ecolor=MUTED, lw=1
        )
        if np.isfinite(row["ceiling"]):
            _draw_span(axes, place - 0.16, row["ceiling_floor"], row["ceiling"], seeds)
    axes.axvline(PAPER_SIMILARITY, color="crimson", lw=0.8, ls=":")
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    axes.set_yticks(range(len(rows)), [FILTER_TITLES[row["filter"]] for row in rows])
    axes.set_xlabel("mean Jaccard index of features matched one to one")


def _draw_span(axes: Axes, place: float, floor: float, similarity: float, colour: str) -> None:
    axes.plot([floor, similarity], [place, place], color="#d9d9d9", lw=4, solid_capstyle="butt")
    axes.plot(floor, place, "|", ms=9, mew=1.4, color=MUTED)
    axes.plot(similarity, place, "o", ms=5.5, color=colour)


def _legend(pairs: pd.DataFrame) -> list[Line2D]:
    """Entries of panel B; seeds only where the run has them."""
    _, embeddings, seeds = distinct_colours(3)
    dot: dict[str, Any] = {"ls": "", "marker": "o", "ms": 5.5}
    entries = [
        Line2D([], [], ls="", marker="|", ms=9, mew=1.4, color=MUTED, label="shuffled (± 2 sd)"),
        Line2D([], [], color=embeddings, label="two embeddings", **dot),
    ]
    if pairs["ceiling"].notna().any():
        entries.append(Line2D([], [], color=seeds, label="two seeds of one model", **dot))
    paper = Line2D([], [], color="crimson", lw=0.8, ls=":", label="the paper's two embeddings")
    return [*entries, paper]
