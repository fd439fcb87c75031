"""**Figure S14. SAE hyperparameters on real cells.** One block a sweep, named by its embedding.
Colour is the L1 weight. **A** Validation loss, L1 term included, by epoch, one line a SAE.
**B**, **C** Squared error on held-out cells by width and by L1 weight: dots are SAEs, lines
medians of a learning rate. **D**, **E**, **F** Features active in at least one held-out cell
against squared error, against the summed activations of a cell, and by width. Rings mark SAEs
whose error lies in the lowest 5 % of their sweep and whose number of active features lies in the
lowest 25 %. Which panels the published S14 has is inferred from the author's notebook.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from featurelens.figures.parts.cell_sweep_panels import (
    Look,
    draw_errors,
    draw_keys,
    draw_losses,
    draw_scatter,
)
from featurelens.figures.parts.style import FULL_WIDTH, new_figure, panel_letter, styled

INPUTS = {
    "table": "tables/cell_sweeps.tsv",
    "curves": "sweeps/{cell_sweeps}/curves.parquet",
}


@styled
def draw(table: pd.DataFrame, curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw Figure S14.

    Parameters
    ----------
    table
        ``tables/cell_sweeps.tsv``: finished points of all sweeps over real cells.
    curves
        Sweep name to the loss curves of its points: id, epoch, validation_loss, train_loss.

    Returns
    -------
    Figure
        For each sweep A: loss by epoch, B and C: held-out error by width and by L1 weight, D to F:
        features active in a held-out cell against error, summed activations, and width.
    """
    figure = new_figure(FULL_WIDTH, 4.3 * len(curves) + 0.6)
    heights = [4.3] * len(curves) + [0.6]
    blocks = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    look = Look(table)
    for block, (sweep, losses) in zip(blocks, curves.items(), strict=False):
        points = table[table["sweep"] == sweep]
        block.suptitle(f"{sweep}: {points['source'].iloc[0]}", x=0.01, ha="left", fontsize=8.5)
        axes = block.subplots(2, 3).ravel()
        draw_losses(axes[0], losses, points, look)
        draw_errors(axes[1], points, "d_sae", "hidden size (features)", look)
        draw_errors(axes[2], points, "l1_weight", "L1 weight", look)
        draw_scatter(axes[3], points, "mse", "held-out squared error", look)
        draw_scatter(axes[4], points, "l1", "summed activations of a cell", look)
        draw_scatter(axes[5], points, "d_sae", "hidden size (features)", look)
        for panel, letter in zip(axes, "ABCDEF", strict=True):
            panel_letter(panel, letter, x=-0.12)
    draw_keys(blocks[-1], look)
    return figure
