"""**Figure S2. Size of the autoencoder, its loss and what its embedding holds.** Every architecture
of Figure 1C by validation loss and read-out score, a column for each kind of variable, coloured
by latent dimensions, by the number of layers of the encoder, and by the width of the hidden
layers. **A** published, **B** corrected convention, as in Figure 1C. Points are means over
seeds, bars span the seeds; triangles on the left edge are scores below -1. The author's figure
does not tell the variables apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from featurelens.conventions import CONVENTIONS, Convention
from featurelens.figures.parts.curves import whole_decades
from featurelens.figures.parts.palette import VARIABLE_COLOURS
from featurelens.figures.parts.read_outs import architecture_points, draw_seed_bars, recovery_points
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INPUTS = {"superposition": "tables/superposition.tsv"}
NEEDS = ("hierarchical_autoencoders",)
TOGETHER = "autoencoders"

HUES = {"latent": "latent dimensions", "depth": "layers", "width": "width"}
"""What the points are coloured by, in the order of the rows."""

LOWEST_SCORE = -1.0
"""Left end of the score axis; points below it stand on the edge as triangles."""

_NAMES: dict[Convention, str] = {"published": "published: $R^2$", "corrected": "corrected: score"}
_MARKERS = ("o", "s", "D", "^")


@styled
def draw(superposition: pd.DataFrame) -> Figure:
    """Draw Figure S2.

    The author's figure draws all variables in one panel and does not tell them apart; here each
    has a column.

    Parameters
    ----------
    superposition
        ``tables/superposition.tsv``; the first simulation that has the variable X'' is drawn.

    Returns
    -------
    Figure
        A row for each of latent dimensions, layers and width, under both conventions; a column
        for each group of variables; one point per architecture, the mean over
        seeds, whose range the bars span.
    """
    deep = superposition.loc[superposition["group"] == "X''", "simulation"]
    rows = superposition[superposition["simulation"].isin(deep.head(1))]
    points = architecture_points(recovery_points(rows))
    groups = [group for group in VARIABLE_COLOURS if (points["group"] == group).any()]
    figure = new_figure(FULL_WIDTH, 7.6)
    if not groups:
        not_in_this_run(figure.subplots(), "no autoencoder of the hierarchical simulation")
        return figure
    axes = figure.subplots(6, len(groups), sharex=True, sharey=True, squeeze=False)
    for block, convention in enumerate(CONVENTIONS):
        chosen = points[points["convention"] == convention]
        for step, hue in enumerate(HUES):
            row = axes[3 * block + step]
            looks = _looks(points[hue])
            for panel, group in zip(row, groups, strict=True):
                _draw(panel, chosen[chosen["group"] == group], hue, looks)
            row[0].set_ylabel("loss")
            _key(row[-1], looks, HUES[hue])
        panel_letter(axes[3 * block, 0], "AB"[block], x=-0.35)
        for panel in axes[3 * block + 2]:
            panel.set_xlabel(_NAMES[convention])
            panel.tick_params(labelbottom=True)
    for panel, group in zip(axes[0], groups, strict=True):
        panel.set_title(group, color=VARIABLE_COLOURS[group], fontweight="bold")
    first = axes[0, 0]
    first.set_yscale("log")
    first.set_ylim(*whole_decades(points["loss"]))
    first.yaxis.set_major_locator(LogLocator(numticks=4))
    first.yaxis.set_minor_locator(NullLocator())
    first.set_xlim(LOWEST_SCORE - 0.08, 1.1)
    first.set_xticks([-1, 0, 1], ["\N{MINUS SIGN}1", "0", "1"])
    return figure


def _looks(values: pd.Series) -> dict[str | int, tuple[str, str]]:
    """Colour and marker of every value, small to large: the author's colour map of sizes."""
    found = np.unique(values)
    colours = mpl.colormaps["viridis_r"](np.linspace(0.12, 0.92, max(len(found), 2)))
    return {
        value: (to_hex(colours[place]), _MARKERS[place % len(_MARKERS)])
        for place, value in enumerate(found.tolist())
    }


def _draw(
    axes: Axes, points: pd.DataFrame, hue: str, looks: Mapping[str | int, tuple[str, str]]
) -> None:
    for x in (0, 1):
        axes.axvline(x, color=BACKGROUND, lw=0.7, ls=(0, (4, 3)), zorder=0)
    for value, (colour, marker) in looks.items():
        chosen = points[points[hue] == value]
        below = chosen["score"] < LOWEST_SCORE
        draw_seed_bars(axes, chosen[~below], colour)
        for rows, shape in ((chosen[~below], marker), (chosen[below], "<")):
            axes.scatter(
                rows["score"].clip(lower=LOWEST_SCORE), rows["loss"], color=colour, marker=shape,
                s=17, edgecolors="white", linewidths=0.4, clip_on=False, zorder=3,
            )  # fmt: skip


def _key(axes: Axes, looks: Mapping[str | int, tuple[str, str]], title: str) -> None:
    handles = [
        Line2D([], [], ls="", marker=marker, color=colour, ms=4.5, mec="white", mew=0.4,
               label=f"{value}")
        for value, (colour, marker) in looks.items()
    ]  # fmt: skip
    legend = axes.legend(
        handles=handles, title=title, loc="center left", bbox_to_anchor=(1.05, 0.5),
        borderaxespad=0.2, alignment="left",
    )  # fmt: skip
    legend.get_title().set_color(MUTED)
