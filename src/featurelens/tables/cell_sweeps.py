"""Sweeps over SAEs of real cells, one row a finished SAE. The measures are those of cells that
its training held out: mean squared error per dimension, features active in a cell (l0) and in any
cell (n_active), summed activations of a cell (l1). Frugal are the SAEs whose error lies in the
lowest 5 % of their sweep while their number of active features lies in the lowest 25 %.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.sweeps.selection import SHOWN
from featurelens.tables.stacked import stack_named

INPUTS = {
    "points": "sweeps/{cell_sweeps}/points.parquet",
    "held_out": "sweeps/{cell_sweeps}/held_out.parquet",
}


def tabulate(
    points: Mapping[str, pd.DataFrame], held_out: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Finished points of the sweeps over real cells, measured on held-out cells.

    Parameters
    ----------
    points, held_out
        Sweep name to its points, and to their measures on held-out cells
        (:func:`featurelens.sweeps.measures.held_out.measure`).

    Returns
    -------
    DataFrame
        sweep, id, source (dataset/model), architecture, expansion, d_sae, l1_weight, k,
        learning_rate, seed, training_convention, n_epochs, validation_loss (lowest of any epoch),
        the measures on held-out cells, frugal (:func:`frugal_points`) and position.
    """
    names = {"l1": "l1_weight", "convention": "training_convention"}
    kept = [*SHOWN, "id", "source", "seed", "convention", "n_epochs", "validation_loss"]
    tables = {}
    for name, measured in held_out.items():
        about = points[name][kept].rename(columns=names)
        table = about.merge(measured, on="id", validate="one_to_one")
        tables[name] = table.assign(frugal=frugal_points(table))
    return stack_named(tables, "sweep")


def frugal_points(points: pd.DataFrame) -> pd.Series:
    """Points of one sweep that lose little and use few features.

    Those whose error is at most the 5th percentile of the sweep and whose number of active
    features is at most the 25th: the author's grounds for L1 weight 1e-3 and learning rate 1e-4
    (his notebook on single-cell loss curves). He took the percentiles over all epochs of all runs,
    where long runs weigh more; here every finished point counts once.

    Parameters
    ----------
    points
        ``mse`` and ``n_active`` of every point.

    Returns
    -------
    Series
        True where both hold.
    """
    few = points["n_active"] <= points["n_active"].quantile(0.25)
    return few & (points["mse"] <= points["mse"].quantile(0.05))
