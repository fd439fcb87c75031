"""Sweeps over real cells: what every SAE makes of cells that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from featurelens.sae import model
from featurelens.sae import store as memory
from featurelens.sae.metrics import evaluate
from featurelens.sae.splits import split_rows
from featurelens.sweeps.points import point_config

MEASURED = ("mse", "explained_variance", "l1", "l0", "n_active")


def measure_held_out(
    embedding: np.ndarray, points: pd.DataFrame, store: Path, *, log: Callable[[str], None]
) -> pd.DataFrame:
    """Measure every trained point on the cells that its training held out.

    Parameters
    ----------
    embedding
        What the points were trained on, (n_cells, d_in).
    points
        Rows of trained points with ``id`` and ``status``; points that failed are left out.
    store
        Folder that holds the weights of a point under its id.

    Returns
    -------
    DataFrame
        One row a point: id, held_out (False where training held nothing out and all cells are
        measured), n_cells, mse (per cell and dimension), explained_variance, l1 (mean sum of
        activations of a cell), l0 (mean number of active features of a cell), n_active (features
        active in at least one of the cells).
    """
    rows = []
    for _, point in points[points["status"] == "ok"].iterrows():
        held_out = split_rows(len(embedding), point_config(dict(point)))[1]
        cells = embedding[held_out] if len(held_out) else embedding
        found = evaluate(model.load(store / point["id"]), cells)
        values = (found.mse, found.explained_variance, found.l1, found.l0, found.n_live)
        rows.append((point["id"], bool(len(held_out)), found.n_rows, *values))
    log(f"{len(rows)} of {len(points)} points measured")
    return pd.DataFrame(rows, columns=["id", "held_out", "n_cells", *MEASURED])


def read_curves(points: pd.DataFrame, store: Path) -> pd.DataFrame:
    """Loss curves of trained points.

    Returns
    -------
    DataFrame
        id, epoch, train_loss, validation_loss, error and penalty, one row an epoch and point.
    """
    columns = ["id", "epoch", "train_loss", "validation_loss", "error", "penalty"]
    trained = points.loc[points["status"] == "ok", "id"]
    curves = [memory.read_history(store, point).assign(id=point)[columns] for point in trained]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=columns)
