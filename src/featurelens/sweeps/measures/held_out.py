"""Sweeps over real cells: what every SAE makes of cells that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from featurelens.sae import store as memory
from featurelens.sae.metrics import evaluate
from featurelens.sae.splits import split_rows
from featurelens.sweeps.evaluated import trained
from featurelens.sweeps.points import point_config

SWEEPS = "cell_sweeps"
INPUTS = ("trained_on",)
OUTPUTS = {"table": "held_out.parquet", "curves": "curves.parquet"}
EACH_POINT = True

MEASURED = ("mse", "explained_variance", "l1", "l0", "n_active")
CURVES = ("id", "epoch", "train_loss", "validation_loss", "error", "penalty")


def measure(
    points: pd.DataFrame, store: Path, *, trained_on: np.ndarray, log: Callable[[str], None]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure every trained point on the cells that its training held out.

    Parameters
    ----------
    points
        Rows of trained points with ``id``, ``stack`` and ``status``; points that failed are left
        out.
    store
        Folder that holds the weights and the loss curves of a point under its stack and id.
    trained_on
        What the points were trained on, (n_cells, d_in).

    Returns
    -------
    table : DataFrame
        One row a point: id, held_out (False where training held nothing out and all cells are
        measured), n_cells, mse (per cell and dimension), explained_variance, l1 (mean sum of
        activations of a cell), l0 (mean number of active features of a cell), n_active (features
        active in at least one of the cells).
    curves : DataFrame
        id, epoch, train_loss, validation_loss, error and penalty, one row an epoch and point.
    """
    rows, curves = [], []
    for point, sae in trained(points, store, log=log):
        held_out = split_rows(len(trained_on), point_config(point))[1]
        cells = trained_on[held_out] if len(held_out) else trained_on
        found = evaluate(sae, cells)
        values = (found.mse, found.explained_variance, found.l1, found.l0, found.n_live)
        rows.append((point["id"], bool(len(held_out)), found.n_rows, *values))
        history = memory.read_history(store / point["stack"], point["id"])
        curves.append(history.assign(id=point["id"])[[*CURVES]])
    log(f"{len(rows)} of {len(points)} points measured")
    table = pd.DataFrame(rows, columns=["id", "held_out", "n_cells", *MEASURED])
    empty = pd.DataFrame(columns=[*CURVES])
    return table, pd.concat(curves, ignore_index=True) if curves else empty
