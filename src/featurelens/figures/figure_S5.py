"""Figures S5 and S6: what learning rate and sparsity do to loss and to the share of live features.

The paper draws bars. A bar on a logarithmic axis has no base, so these are points with intervals
at the same places and in the same colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from featurelens.figures.parts.palette import ARCHITECTURE_LABELS
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, not_in_this_run, styled
from featurelens.figures.parts.sweep_panels import (
    NAMES,
    PAPER_FACTOR,
    SPARSITY,
    Metric,
    draw_lines,
    key,
    nearest,
    sweep_table,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


LOSS = Metric("loss", "training loss", log=True)
LIVE = Metric("share_live", "share of live features", limits=(-0.03, 1.05))


@styled
def draw_figure_S5(points: pd.DataFrame, recovery: pd.DataFrame) -> Figure:
    """Draw Figure S5: three architectures in columns; loss by rate and by sparsity, live features.

    Parameters are those of :func:`featurelens.figures.parts.sweep_panels.sweep_table`. Points with
    k = 1 % are kept here, as in the paper.
    """
    table = sweep_table(points, recovery)
    figure = new_figure(FULL_WIDTH, 7.4)
    axes = figure.subplots(3, 3, sharex=True, sharey="row")
    for column, kind in enumerate(SPARSITY):
        part = table[table["architecture"] == kind]
        axes[0, column].set_title(ARCHITECTURE_LABELS[kind])
        rows = ((LOSS, "learning_rate"), (LOSS, SPARSITY[kind]), (LIVE, SPARSITY[kind]))
        for row, (metric, hue) in enumerate(rows):
            draw_lines(axes[row, column], part, metric, hue=hue)
            if not part.empty and row != 1:
                key(axes[row, column], part, hue, below=-0.08 if row == 0 else -0.28)
        axes[2, column].set_xlabel("hidden size (features)")
    for row, label in enumerate((LOSS.label, LOSS.label, LIVE.label)):
        axes[row, 0].set_ylabel(label)
    return figure


@styled
def draw_figure_S6(points: pd.DataFrame, recovery: pd.DataFrame) -> Figure:
    """Draw Figure S6: share of live features by sparsity and learning rate, at one hidden size.

    The hidden factor is the paper's 100, or the nearest one that was trained.
    """
    table = sweep_table(points, recovery)
    figure = new_figure(FULL_WIDTH, 2.6)
    axes = figure.subplots(1, 3, sharey=True)
    factor = nearest(table["expansion"], PAPER_FACTOR) if len(table) else PAPER_FACTOR
    table = table[table["expansion"] == factor]
    for panel, kind in zip(axes, SPARSITY, strict=True):
        part = table[table["architecture"] == kind]
        panel.set_title(ARCHITECTURE_LABELS[kind])
        if part.empty:
            not_in_this_run(panel, "no such point")
            continue
        draw_lines(panel, part, LIVE, hue="learning_rate", x=SPARSITY[kind])
        panel.set_xlabel(NAMES[SPARSITY[kind]])
        key(panel, part, "learning_rate", below=-0.25)
    axes[0].set_ylabel(f"share of live features,\nhidden factor {factor:g}")
    return figure
