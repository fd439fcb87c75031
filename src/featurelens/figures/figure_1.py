"""Figure 1: what an SAE is asked to do, the simulation, and what is left of it in embeddings."""

from collections.abc import Collection, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from featurelens.figures.curves import whole_decades
from featurelens.figures.palette import FALLBACK_COLOUR, VARIABLE_COLOURS, VARIABLE_MARKERS
from featurelens.figures.schematics import draw_sae, draw_simulation
from featurelens.figures.style import (
    BACKGROUND,
    FULL_WIDTH,
    MUTED,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)

LOWEST_SCORE = -1.0
"""Left end of the score axis; what lies below stands in a margin beside it, and is counted."""

_MARGIN_STEP = 0.11
"""Width of one variable's column in that margin, in units of the score."""

_PANELS = {
    "published": (
        "score",
        "last_validation_loss",
        "Published convention",
        "$R^2$ of the linear read-out",
    ),
    "corrected": (
        "rescaled",
        "best_validation_loss",
        "Corrected convention",
        "held-out score, 0 = chance, 1 = perfect",
    ),
}


@styled
def draw_figure_1(superposition: pd.DataFrame, *, hierarchical: str | None = None) -> Figure:
    """Draw Figure 1.

    Parameters
    ----------
    superposition
        ``tables/superposition.tsv``: one row per convention, autoencoder and variable, with the
        columns convention, simulation, autoencoder, group, score, rescaled,
        last_validation_loss and best_validation_loss.
    hierarchical
        Name of the simulation drawn in panel B, whose points stand in the large panels; any other
        simulation has a strip of its own below. The default is the simulation that has the
        variable X''.

    Returns
    -------
    Figure
        Panels A and B are drawings, panel C shows one point per autoencoder and group of
        variables (the mean over the group), in both conventions. Scores below -1, which the
        paper's figure cuts off, stand in a shaded margin, a column for each variable.
    """
    points = recovery_points(superposition)
    names = _simulations(points, hierarchical)
    strips = len(names) - 1
    figure = new_figure(FULL_WIDTH, 5.2 + 0.75 * strips)
    heights = [2.0, 3.2 + 0.75 * strips]
    grid = figure.add_gridspec(2, 1, height_ratios=heights, hspace=0.04)
    top = grid[0].subgridspec(1, 2, width_ratios=[1.42, 1], wspace=0.03)
    left, right = figure.add_subplot(top[0]), figure.add_subplot(top[1])
    draw_sae(left)
    panel_letter(left, "A")
    draw_simulation(right)
    panel_letter(right, "B")
    _draw_panels(figure, grid[1], points, names)
    return figure


def recovery_points(superposition: pd.DataFrame) -> pd.DataFrame:
    """One row per convention, autoencoder and group: mean score and validation loss.

    Returns
    -------
    DataFrame
        Columns convention, simulation, autoencoder, group, score, loss. The score is the plain
        one under the published convention and the rescaled one under the corrected; variables
        without a score (constant ones) do not count.
    """
    frames = []
    keys = ["convention", "simulation", "autoencoder", "group"]
    for convention, (score, loss, _, _) in _PANELS.items():
        rows = superposition[superposition["convention"] == convention]
        means = rows.groupby(keys, sort=False)[[score, loss]].mean()
        frames.append(means.set_axis(["score", "loss"], axis=1).reset_index())
    return pd.concat(frames, ignore_index=True).dropna(subset=["score", "loss"])


def _simulations(points: pd.DataFrame, hierarchical: str | None) -> list[str]:
    """Names of the simulations, the one drawn in panel B first."""
    names = list(dict.fromkeys(points["simulation"]))
    if hierarchical is None:
        deep = points.loc[points["group"] == "X''", "simulation"].unique()
        hierarchical = str(deep[0]) if len(deep) else None
    return sorted(names, key=lambda name: name != hierarchical) or ["none"]


def _draw_panels(
    figure: Figure, place: SubplotSpec, points: pd.DataFrame, names: Sequence[str]
) -> None:
    """Panel C: a column for each convention, a row for each simulation, and the key."""
    heights = [3.0, *[1.0] * (len(names) - 1)]
    grid = place.subgridspec(
        len(names), 3, width_ratios=[1, 1, 0.2], height_ratios=heights, wspace=0.05, hspace=0.08
    )
    groups = _ordered(points["group"].unique())
    for row, name in enumerate(names):
        panels = [figure.add_subplot(grid[row, column]) for column in range(2)]
        of_name = points[points["simulation"] == name]
        for panel, convention in zip(panels, _PANELS, strict=True):
            chosen = of_name[of_name["convention"] == convention]
            of_convention = points.loc[points["convention"] == convention, "score"]
            with_margin = bool((of_convention < LOWEST_SCORE).any())
            _draw_recovery(panel, chosen, groups, with_margin=with_margin)
            if row == 0:
                panel.set_title(_PANELS[convention][2], loc="left")
            if row == len(names) - 1:
                panel.set_xlabel(_PANELS[convention][3])
            else:
                panel.tick_params(labelbottom=False)
        _finish_row(panels, of_name["loss"], name)
        if row == 0:
            panel_letter(panels[0], "C", x=-0.12)
    _draw_key(figure.add_subplot(grid[0, 2]), groups)


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
    axes.scatter(
        x,
        loss,
        marker=marker,
        s=70 if marker == "*" else 40,
        color=VARIABLE_COLOURS.get(group, FALLBACK_COLOUR),
        edgecolors="white",
        linewidths=0.5,
        alpha=0.85,
        clip_on=False,
        zorder=3,
    )


def _finish_row(panels: Sequence[Axes], losses: pd.Series, name: str) -> None:
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


def _draw_key(axes: Axes, groups: Collection[str]) -> None:
    axes.axis("off")
    handles = [
        Line2D(
            [],
            [],
            ls="",
            marker=VARIABLE_MARKERS.get(group, "o"),
            ms=9 if VARIABLE_MARKERS.get(group) == "*" else 6.5,
            color=VARIABLE_COLOURS.get(group, FALLBACK_COLOUR),
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=group,
        )
        for group in groups
    ]
    if handles:
        axes.legend(handles=handles, loc="upper left", title="variable", alignment="left")


def _ordered(groups: Collection[str]) -> list[str]:
    """The paper's order first, anything else behind it."""
    known = [group for group in VARIABLE_COLOURS if group in set(groups)]
    return known + sorted(set(groups) - set(known))
