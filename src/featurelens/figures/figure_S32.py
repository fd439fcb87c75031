"""Figure S32: the concepts of two embeddings, term by term and feature by feature."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from featurelens.figures.concept_panels import FILTER_TITLES, mark_ones_twos_fives, short_names
from featurelens.figures.palette import activation_map, distinct_colours
from featurelens.figures.style import (
    FULL_WIDTH,
    MUTED,
    cloud,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

PAPER_SIMILARITY = 0.1555
"""Mean Jaccard index of the paper's two embeddings."""


@styled
def draw_figure_S32(comparison: pd.DataFrame, frequencies: pd.DataFrame) -> Figure:
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
    halves[1].legend(loc="outside lower center", ncols=4, columnspacing=1.2)
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
        mark_ones_twos_fives(axis)
    axes.set_xlabel(f"features of {names[row['left']]}")
    axes.set_ylabel(f"features of {names[row['right']]}")


def _draw_similarity(axes: Axes, pairs: pd.DataFrame) -> None:
    colours = distinct_colours(4)
    known = pairs.iloc[::-1]
    for place, row in enumerate(_records(known)):
        ends = [row["floor"], row["ceiling"] if np.isfinite(row["ceiling"]) else row["similarity"]]
        axes.plot(ends, [place, place], color="#d9d9d9", lw=5, solid_capstyle="butt", zorder=0)
        axes.errorbar(
            row["floor"], place, xerr=2 * row["floor_sd"], fmt="|", ms=11, color=MUTED, lw=1.2,
            label="floor: shuffled, margins kept (± 2 sd)" if place == 0 else None,
        )  # fmt: skip
        axes.plot(
            row["similarity"], place, "o", ms=6, color=colours[1],
            label="two embeddings" if place == 0 else None,
        )  # fmt: skip
        if np.isfinite(row["ceiling"]):
            axes.plot(
                row["ceiling"], place, "|", ms=11, mew=2, color=colours[2],
                label="ceiling: two seeds of one model" if place == 0 else None,
            )  # fmt: skip
    axes.axvline(PAPER_SIMILARITY, color="crimson", lw=0.8, ls=":", label="paper's embeddings")
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.6, len(known) - 0.4)
    axes.set_yticks(range(len(known)), [FILTER_TITLES[kept] for kept in known["filter"]])
    axes.set_xlabel("mean Jaccard index of features matched one to one")
