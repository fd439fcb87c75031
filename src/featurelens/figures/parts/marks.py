"""A few features named on a map, with lines from their names to their places."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from featurelens.figures.parts.activation_maps import apart
from featurelens.figures.parts.style import BACKGROUND, cloud, point_size, without_axes

MARK_COLOUR = "#b5134f"


def draw_marked(axes: Axes, place: np.ndarray, marked: Mapping[int, str]) -> None:
    """All features in grey; some in red, named at the right edge.

    Parameters
    ----------
    axes
        The panel.
    place
        (n_features, 2).
    marked
        Rows of ``place`` and their names, of any number of lines.
    """
    cloud(axes, *place.T, s=1.3 * point_size(len(place)), color=BACKGROUND)
    without_axes(axes)
    if not marked:
        return
    rows = sorted(marked, key=lambda row: place[row, 1])
    cloud(
        axes, *place[rows].T, s=26, color=MARK_COLOUR, edgecolors="white", linewidths=0.6, zorder=5
    )
    low, high = axes.get_ylim()
    lines = max(marked[row].count("\n") + 1 for row in rows)
    heights = apart(place[rows, 1], gap=(high - low) * 0.055 * lines, low=low, high=high)
    for row, height in zip(rows, heights, strict=True):
        axes.annotate(
            marked[row], place[row], xytext=(1.02, height), textcoords=axes.get_yaxis_transform(),
            ha="left", va="center", fontsize=6.5, annotation_clip=False, zorder=4,
            arrowprops={
                "arrowstyle": "-", "lw": 0.6, "color": MARK_COLOUR, "shrinkA": 1, "shrinkB": 2,
                "relpos": (0, 0.5), "path_effects": [withStroke(linewidth=1.6, foreground="white")],
            },
        )  # fmt: skip
