"""**Figure S14, part c. The same hyperparameters on real and on simulated cells.** Above all sweeps
over real cells, below those over simulations; SAEs with an L1 penalty, measured on all cells of
their sweep. Colour is the L1 weight. **A**, **B**, **E**, **F** Squared error by expansion and
by L1 weight: dots are SAEs, lines medians of a learning rate. **C**, **D**, **G**, **H**
Features active in at least one cell, by squared error and by expansion. Embeddings differ in
scale, so that errors compare within a sweep only. The arrangement is that of the author's
notebook; whether it was published is inferred.
"""

import textwrap
from collections.abc import Collection

import pandas as pd
from matplotlib.figure import Figure

from featurelens.figures.parts.cell_sweep_panels import Look, draw_errors, draw_keys, draw_scatter
from featurelens.figures.parts.style import (
    FULL_WIDTH,
    new_figure,
    not_in_this_run,
    panel_letter,
    styled,
)
from featurelens.sweeps.points import TOPK_FAMILY

INPUTS = {"points": "tables/sweep_points.tsv"}
PARAMS = {"real": "{cell_sweeps}"}
NEEDS = ("simulated_sweeps",)
TOGETHER = "sweeps"

_LETTERS = 90
"""Of a line over a row of panels."""


@styled
def draw(points: pd.DataFrame, real: Collection[str]) -> Figure:
    """Draw part c of Figure S14, after the author's notebook of single-cell loss curves.

    Parameters
    ----------
    points
        ``tables/sweep_points.tsv``: finished points of all sweeps, measured on all their cells.
        SAEs of the TopK family have no L1 weight and are left out, and so are those of which
        training left a part as it was drawn.
    real
        Names of the sweeps over real cells.

    Returns
    -------
    Figure
        Real cells above, simulated ones below; A and B: squared error by expansion and by L1
        weight, C and D: features active in some cell by squared error and by expansion.
    """
    penalised = ~points["architecture"].isin(TOPK_FAMILY) & (points["trained"] == "all")
    names = {"l1": "l1_weight", "n_live": "n_active"}
    table = points[penalised].rename(columns=names).assign(frugal=False)
    figure = new_figure(FULL_WIDTH, 5.2)
    blocks = figure.subfigures(3, 1, height_ratios=[2.3, 2.3, 0.6], squeeze=False)
    upper, lower, keys = blocks[:, 0]
    look = Look(table)
    is_real = table["sweep"].isin(list(real))
    letters = iter("ABCDEFGH")
    for block, kind, chosen in ((upper, "real", is_real), (lower, "simulated", ~is_real)):
        cells = table[chosen]
        sweeps = ", ".join(dict.fromkeys(cells["sweep"]))
        title = textwrap.fill(f"{kind} cells: {sweeps or '-'}", _LETTERS, break_on_hyphens=False)
        block.suptitle(title, x=0.01, ha="left", fontsize=8.5)
        axes = block.subplots(1, 4)
        for panel in axes:
            panel_letter(panel, next(letters), x=-0.25)
        if cells.empty:
            for panel in axes:
                not_in_this_run(panel, "SAEs with an\nL1 penalty")
            continue
        draw_errors(axes[0], cells, "expansion", "expansion", look, error="squared error")
        draw_errors(axes[1], cells, "l1_weight", "L1 weight", look, error="squared error")
        draw_scatter(axes[2], cells, "mse", "squared error", look)
        draw_scatter(axes[3], cells, "expansion", "expansion", look)
        for panel in (axes[0], axes[1], axes[3]):
            panel.tick_params(axis="x", labelrotation=60, labelsize=6)
    draw_keys(keys, look, frugal=False)
    return figure
