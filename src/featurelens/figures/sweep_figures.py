"""Figures S5 to S12 of the small sweep, by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.figures.figure_S5 import draw_figure_S5, draw_figure_S6
from featurelens.figures.figure_S7 import draw_figure_S7, draw_figure_S8
from featurelens.figures.figure_S9 import draw_figure_S9, draw_figure_S11
from featurelens.figures.figure_S12 import draw_figure_S12

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SWEEP_FIGURES: dict[str, Callable[[pd.DataFrame, pd.DataFrame], Figure]] = {
    "S5": draw_figure_S5,
    "S6": draw_figure_S6,
    "S7": draw_figure_S7,
    "S8": draw_figure_S8,
    "S9": draw_figure_S9,
    "S10": partial(draw_figure_S9, group="Y"),
    "S11": draw_figure_S11,
    "S12": draw_figure_S12,
}
"""Each takes points and recovery of one sweep of the small simulation."""


def draw_sweep_figures(points: pd.DataFrame, recovery: pd.DataFrame) -> Iterator[Figure]:
    """Draw them one after another, in the order of :data:`SWEEP_FIGURES`."""
    return (draw(points, recovery) for draw in SWEEP_FIGURES.values())
