"""The two drawn panels of Figure 1: superposition with an SAE, and the simulation's graph."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle

from featurelens.figures.parts.palette import VARIABLE_COLOURS, activation_map
from featurelens.figures.parts.style import BACKGROUND, MUTED, without_axes

_INK = "#222222"
_FEATURES = ("#4477aa", "#ee6677", "#228833")
_ANGLES = (68.0, 200.0, 318.0)
_AMOUNTS = (0.95, 0.0, 0.55)
_ACTIVE = {1: 0.8, 4: 0.45}
"""Active SAE features of the drawn sample (position from the top, activation)."""

_NODES = {
    "X": (1.0, 3.0),
    "B": (2.6, 3.0),
    "X'": (1.8, 2.0),
    "A": (3.4, 2.0),
    "X''": (2.6, 1.0),
    "Y": (2.6, 0.0),
}
_EDGES = (("X", "X'"), ("B", "X'"), ("X'", "X''"), ("A", "X''"), ("X''", "Y"))
_MEANINGS = {
    "X": ("core programs", "left"),
    "B": ("batch", "right"),
    "X'": ("programs with\nbatch effect", "left"),
    "A": ("cell type", "right"),
    "X''": ("programs active\nin the cell type", "left"),
    "Y": ("measured genes", "left"),
}


def draw_sae(axes: Axes) -> None:
    """Figure 1A: three features, squeezed into two dimensions, unmixed by a sparse autoencoder."""
    _canvas(axes, (0.1, 10.1), (-0.85, 4.25))
    _sample(axes, 0.75)
    _funnel(axes, 1.55, 2.25, 1.15, 0.6)
    plane = np.array([3.75, 2.0])
    _plane(axes, plane)
    _funnel(axes, 5.3, 6.0, 0.6, 1.45)
    _activations(axes, 6.85)
    _funnel(axes, 7.7, 8.4, 1.45, 0.6)
    _reconstruction(axes, 9.3)
    for x, text in (
        (0.75, "three hidden\nfeatures"),
        (3.75, "2-d embedding $x$:\nfeatures in superposition"),
        (6.85, "sparse\nactivations $z$"),
        (9.3, "reconstructed\nembedding"),
    ):
        axes.text(x, -0.05, text, ha="center", va="top", color=_INK, fontsize=6.5)
    for x, text in ((1.9, "encoder"), (5.65, "SAE\nencoder"), (8.05, "SAE\ndecoder")):
        axes.text(x, 3.62, text, ha="center", va="bottom", color=MUTED, fontsize=6.5)


def draw_simulation(axes: Axes) -> None:
    """Figure 1B: the hierarchical simulation as a graph, with each variable's distance from Y."""
    _canvas(axes, (-0.95, 6.15), (-0.8, 3.4))
    for level, y in ((3, 3.0), (2, 2.0), (1, 1.0), (0, 0.0)):
        axes.text(6.1, y, f"degree {level}", ha="right", va="center", color=MUTED, fontsize=6.5)
        if level:
            axes.plot([-0.9, 6.1], [y - 0.5, y - 0.5], color=BACKGROUND, lw=0.7, ls=(0, (4, 3)))
    for source, target in _EDGES:
        _arrow(axes, _NODES[source], _NODES[target], shrink=8.5)
    for name, position in _NODES.items():
        _node(axes, name, position)
    axes.text(
        2.3, -0.52, "filled: seen by the autoencoder, open: hidden", ha="center", va="top",
        color=MUTED, fontsize=6.5,
    )  # fmt: skip


def _canvas(axes: Axes, x: tuple[float, float], y: tuple[float, float]) -> None:
    without_axes(axes)
    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.set_aspect("equal", anchor="N")


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    colour: str = _INK,
    width: float = 0.9,
    shrink: float = 0.0,
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=7, lw=width, color=colour,
            shrinkA=shrink, shrinkB=shrink,
        )
    )  # fmt: skip


def _sample(axes: Axes, x: float) -> None:
    """Three circles; the share that is filled is the feature's amount in this sample."""
    for row, (colour, amount) in enumerate(zip(_FEATURES, _AMOUNTS, strict=True)):
        y = 3.1 - 1.1 * row
        axes.add_patch(Circle((x, y), 0.4, facecolor="white", edgecolor=colour, lw=1.3))
        axes.add_patch(Circle((x, y), 0.4 * amount, facecolor=colour, edgecolor="none"))


def _funnel(axes: Axes, left: float, right: float, half_left: float, half_right: float) -> None:
    corners = [
        (left, 2 - half_left),
        (left, 2 + half_left),
        (right, 2 + half_right),
        (right, 2 - half_right),
    ]
    axes.add_patch(Polygon(corners, closed=True, facecolor="#efefef", edgecolor=MUTED, lw=0.7))
    _arrow(axes, (left + 0.13, 2), (right - 0.1, 2), colour=MUTED)


def _plane(axes: Axes, centre: np.ndarray) -> None:
    """Two axes, three feature directions, and the sample as the sum of its features."""
    box = FancyBboxPatch(
        (centre[0] - 1.2, centre[1] - 1.2), 2.4, 2.4, boxstyle="round,pad=0.02,rounding_size=0.15",
        facecolor="white", edgecolor=MUTED, lw=0.7,
    )  # fmt: skip
    axes.add_patch(box)
    axes.plot(centre[0] + np.array([-1.1, 1.1]), [centre[1]] * 2, color=BACKGROUND, lw=0.8)
    axes.plot([centre[0]] * 2, centre[1] + np.array([-1.1, 1.1]), color=BACKGROUND, lw=0.8)
    axes.text(centre[0] + 1.1, centre[1] + 0.05, "$x_1$", ha="right", va="bottom", fontsize=6.5)
    axes.text(centre[0] - 0.08, centre[1] + 1.12, "$x_2$", ha="right", va="top", fontsize=6.5)
    sample = centre.copy()
    for colour, angle, amount in zip(_FEATURES, _ANGLES, _AMOUNTS, strict=True):
        direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        _arrow(axes, tuple(centre), tuple(centre + 1.0 * direction), colour=colour, width=1.6)
        sample = sample + amount * 0.85 * direction
    axes.plot(*sample, marker="o", ms=4.5, color=_INK, zorder=5)


def _activations(axes: Axes, x: float) -> None:
    """Nine SAE features in a column, more than the embedding has dimensions, two of them active."""
    colours = activation_map()
    for row in range(9):
        y = 3.35 - 0.36 * row
        amount = _ACTIVE.get(row, 0.0)
        axes.add_patch(
            Rectangle(
                (x - 0.3, y), 0.6, 0.28, facecolor=colours(amount) if amount else "white",
                edgecolor=MUTED, lw=0.7,
            )
        )  # fmt: skip


def _reconstruction(axes: Axes, x: float) -> None:
    for y, name in ((2.12, r"$\hat{x}_2$"), (1.36, r"$\hat{x}_1$")):
        axes.add_patch(
            Rectangle((x - 0.3, y), 0.6, 0.6, facecolor="#efefef", edgecolor=MUTED, lw=0.7)
        )
        axes.text(x, y + 0.28, name, ha="center", va="center", fontsize=6.5)


def _node(axes: Axes, name: str, position: tuple[float, float]) -> None:
    colour = VARIABLE_COLOURS[name]
    observed = name == "Y"
    axes.add_patch(
        Circle(
            position, 0.29, facecolor=colour if observed else "white", edgecolor=colour, lw=1.8,
            zorder=3,
        )
    )  # fmt: skip
    axes.text(
        *position, name, ha="center", va="center", zorder=4, fontsize=7.5, fontweight="bold",
        color="white" if observed else colour,
    )  # fmt: skip
    text, side = _MEANINGS[name]
    offset = -0.42 if side == "left" else 0.42
    axes.text(
        position[0] + offset, position[1], text, color=_INK, fontsize=6.5, va="center",
        ha="right" if side == "left" else "left", linespacing=1.1,
    )  # fmt: skip
