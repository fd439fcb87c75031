"""**Figure 1. What is asked, of which data, and what embeddings hold.** **A** A sample is made of
few features; an encoder squeezes it into fewer dimensions, where features lie in superposition;
a sparse autoencoder (SAE) unmixes them into sparse activations. **B** The hierarchical
simulation: batch B shifts the core programs X to X', cell type A switches some of them off
(X''), and the remaining programs add up to the observables Y. The degree counts the steps from
Y. **C** Recovery of every variable from the embeddings of all autoencoders by a linear read-out,
against validation loss; one point per architecture and kind of variable (mean over the variables
of that kind and over seeds; bars span the seeds). Any other simulation has a strip of its own
below. Open marks above: the ceiling, the same read-out of Y itself, and of the form of Y that it
reads best: X'' and A, or an indicator of each distinct cell of the small simulation. No
embedding of Y can hold more than Y, whatever its loss. Published: R² of the author's probe,
category codes as numbers, loss of the last epoch. Corrected: ridge regression scored on held-out
cells, R² for numbers and balanced accuracy rescaled to 0 = chance and 1 = perfect for
categories, lowest loss. Where a run has autoencoders of both trainings, those trained as
published (reversed split, last weights) are on the left and the others on the right. Scores
below -1, which the paper's figure cuts off, stand in the shaded margin, a column for each
variable.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import LogLocator, NullLocator

from featurelens.conventions import CONVENTIONS
from featurelens.figures.parts.curves import whole_decades
from featurelens.figures.parts.palette import FALLBACK_COLOUR, VARIABLE_COLOURS, VARIABLE_MARKERS
from featurelens.figures.parts.read_outs import (
    SCORE_LABELS,
    architecture_points,
    ceiling_points,
    draw_group_key,
    draw_seed_bars,
    ordered_groups,
    recovery_points,
)
from featurelens.figures.parts.schematics import draw_sae, draw_simulation
from featurelens.figures.parts.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

INPUTS = {"superposition": "tables/superposition.tsv", "ceiling": "tables/ceiling.tsv"}
TOGETHER = "autoencoders"

LOWEST_SCORE = -1.0
"""Left end of the score axis; what lies below stands in a margin beside it, and is counted."""

_MARGIN_STEP = 0.11
"""Width of one variable's column in that margin, in units of the score."""

_TITLES = {"published": "Published convention", "corrected": "Corrected convention"}

_CEILING_ROW = 0.17
"""Height in inches of one source of the ceiling, above the panel of a simulation."""

_MANY = 12
"""From this number of architectures on, their markers are smaller."""


@styled
def draw(
    superposition: pd.DataFrame,
    ceiling: pd.DataFrame,
    *,
    hierarchical: str | None = None,
) -> Figure:
    """Draw Figure 1.

    Parameters
    ----------
    superposition
        ``tables/superposition.tsv``: one row per convention, autoencoder and group.
    ceiling
        ``tables/ceiling.tsv``: the same scores where Y itself, or X'' and A, take the place of
        the embedding.
    hierarchical
        Name of the simulation drawn in panel B, whose points stand in the large panels; any other
        simulation has a strip of its own below. The default is the simulation that has the
        variable X''.

    Returns
    -------
    Figure
        Panels A and B are drawings, panel C shows one point per architecture and group of
        variables (the mean over the group and over seeds, whose range the bars span), in both
        conventions, below the ceiling of each group. Scores below -1, which the paper's figure
        cuts off, stand in a shaded margin, a column for each variable.
    """
    points = architecture_points(recovery_points(superposition))
    names = _simulations(points, hierarchical)
    limits = ceiling_points(ceiling)
    strips = len(names) - 1
    rows = sum(limits.loc[limits["simulation"] == name, "source"].nunique() for name in names)
    below = 3.2 + 0.75 * strips + _CEILING_ROW * rows
    figure = new_figure(FULL_WIDTH, 2.0 + below)
    grid = figure.add_gridspec(2, 1, height_ratios=[2.0, below], hspace=0.04)
    top = grid[0].subgridspec(1, 2, width_ratios=[1.42, 1], wspace=0.03)
    left, right = figure.add_subplot(top[0]), figure.add_subplot(top[1])
    draw_sae(left)
    panel_letter(left, "A")
    draw_simulation(right)
    panel_letter(right, "B")
    _draw_panels(figure, grid[1], points, limits, names)
    return figure


def _simulations(points: pd.DataFrame, hierarchical: str | None) -> list[str]:
    """Names of the simulations, the one drawn in panel B first."""
    names = list(dict.fromkeys(points["simulation"]))
    if hierarchical is None:
        deep = points.loc[points["group"] == "X''", "simulation"].unique()
        hierarchical = str(deep[0]) if len(deep) else None
    return sorted(names, key=lambda name: name != hierarchical) or ["none"]


def _draw_panels(
    figure: Figure,
    place: SubplotSpec,
    points: pd.DataFrame,
    limits: pd.DataFrame,
    names: Sequence[str],
) -> None:
    """Panel C: a column for each convention, a row for each simulation, and the key.

    Above the points of a simulation stands its ceiling, one line for each source.
    """
    heights = []
    for row, name in enumerate(names):
        n_sources = limits.loc[limits["simulation"] == name, "source"].nunique()
        heights += [max(_CEILING_ROW * n_sources, 0.01), 2.9 if row == 0 else 0.75]
    grid = place.subgridspec(
        len(heights), 3, width_ratios=[1, 1, 0.2], height_ratios=heights, wspace=0.05, hspace=0.03
    )
    groups = ordered_groups(points["group"].unique())
    for row, name in enumerate(names):
        panels = [figure.add_subplot(grid[2 * row + 1, column]) for column in range(2)]
        of_name = points[points["simulation"] == name]
        for column, (panel, convention) in enumerate(zip(panels, CONVENTIONS, strict=True)):
            chosen = of_name[of_name["convention"] == convention]
            of_convention = points.loc[points["convention"] == convention, "score"]
            with_margin = bool((of_convention < LOWEST_SCORE).any())
            _draw_recovery(panel, chosen, groups, with_margin=with_margin)
            here = (limits["simulation"] == name) & (limits["convention"] == convention)
            head = panel
            if here.any():
                head = figure.add_subplot(grid[2 * row, column], sharex=panel)
                _draw_ceiling(head, limits[here], named=column == 0)
            if row == 0:
                head.set_title(_TITLES[convention], loc="left")
            if row == 0 and column == 0:
                panel_letter(head, "C", x=-0.12)
            if row == len(names) - 1:
                panel.set_xlabel(SCORE_LABELS[convention])
            else:
                panel.tick_params(labelbottom=False)
        _finish_row(panels, of_name[["loss_low", "loss_high"]].to_numpy(), name)
    draw_group_key(figure.add_subplot(grid[1, 2]), groups)


def _draw_ceiling(axes: Axes, limits: pd.DataFrame, *, named: bool) -> None:
    """A line for each source: the score that it gives for every group of variables."""
    sources = list(dict.fromkeys(limits["source"]))
    for x in (0, 1):
        axes.axvline(x, color=BACKGROUND, lw=0.8, ls=(0, (4, 3)), zorder=0)
    for place, source in enumerate(sources):
        axes.axhline(place, color=BACKGROUND, lw=0.6, zorder=0)
        for row in limits[limits["source"] == source].itertuples():
            below = row.score < LOWEST_SCORE
            marker = "<" if below else VARIABLE_MARKERS.get(row.group, "o")
            axes.scatter(
                max(row.score, LOWEST_SCORE), place, marker=marker, s=26 if marker == "*" else 15,
                facecolors="white", edgecolors=VARIABLE_COLOURS.get(row.group, FALLBACK_COLOUR),
                linewidths=1.0, clip_on=False, zorder=3,
            )  # fmt: skip
    axes.set_ylim(len(sources) - 0.4, -0.6)
    labels = [f"{'ceiling: ' if source is sources[0] else ''}from {source}" for source in sources]
    labels = labels if named else [""] * len(sources)
    axes.set_yticks(range(len(sources)), labels)
    axes.tick_params(axis="y", length=0, labelsize=6, labelcolor=MUTED)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.spines[["left", "bottom"]].set_visible(False)


def _draw_recovery(
    axes: Axes, points: pd.DataFrame, groups: Sequence[str], *, with_margin: bool
) -> None:
    if points.empty:
        not_in_this_run(axes, "no superposition scores")
        return
    axes.set_yscale("log")
    for x in (0, 1):
        axes.axvline(x, color=BACKGROUND, lw=0.8, ls=(0, (4, 3)), zorder=0)
    below = points["score"] < LOWEST_SCORE
    _set_score_axis(axes, len(groups), with_margin=with_margin)
    for place, group in enumerate(groups):
        of_group = points["group"] == group
        inside = points[of_group & ~below]
        outside = points[of_group & below]
        column = LOWEST_SCORE - _MARGIN_STEP * (len(groups) - place)
        draw_seed_bars(axes, inside, VARIABLE_COLOURS.get(group, FALLBACK_COLOUR))
        x = pd.concat([inside["score"], outside["score"] * 0 + column])
        _draw_group(axes, x, pd.concat([inside["loss"], outside["loss"]]), group)
    if below.any():
        lowest = points["score"].min()
        axes.text(
            _margin_centre(len(groups)),
            1.0,
            f"{_counted(int(below.sum()))},\nlowest {lowest:.2g}".replace("-", "\N{MINUS SIGN}"),
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            color=MUTED,
            fontsize=6,
            zorder=5,
        )


def _counted(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def _margin_centre(n_groups: int) -> float:
    return LOWEST_SCORE - _MARGIN_STEP * (n_groups + 1) / 2


def _set_score_axis(axes: Axes, n_groups: int, *, with_margin: bool) -> None:
    ticks = [-1.0, -0.5, 0.0, 0.5, 1.0]
    labels = ["\N{MINUS SIGN}1", "\N{MINUS SIGN}0.5", "0", "0.5", "1"]
    left = LOWEST_SCORE - 0.08
    if with_margin:
        left = LOWEST_SCORE - _MARGIN_STEP * (n_groups + 0.8)
        axes.axvspan(left, LOWEST_SCORE - 0.4 * _MARGIN_STEP, color="#f1f1f1", lw=0, zorder=-1)
        ticks.insert(0, _margin_centre(n_groups))
        labels.insert(0, "< \N{MINUS SIGN}1")
    axes.set_xlim(left, 1.08)
    axes.set_xticks(ticks, labels)


def _draw_group(axes: Axes, x: pd.Series, loss: pd.Series, group: str) -> None:
    marker = VARIABLE_MARKERS.get(group, "o")
    size = 40 if len(x) < _MANY else 30
    axes.scatter(
        x,
        loss,
        marker=marker,
        s=size * (1.75 if marker == "*" else 1.0),
        color=VARIABLE_COLOURS.get(group, FALLBACK_COLOUR),
        edgecolors="white",
        linewidths=0.5,
        alpha=0.85,
        clip_on=False,
        zorder=3,
    )


def _finish_row(panels: Sequence[Axes], losses: np.ndarray, name: str) -> None:
    """Give both panels of a simulation one loss axis, and name it once."""
    for panel in panels:
        if panel.get_yscale() != "log":
            continue
        low, high = whole_decades(losses, below=0.3)
        panel.set_ylim(low, high * (high / low) ** (0.18 if len(panels[0].texts) else 0.05))
        panel.yaxis.set_major_locator(LogLocator(numticks=5))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.tick_params(labelleft=panel is panels[0])
    panels[0].set_ylabel(f"validation loss,\n{name}")
