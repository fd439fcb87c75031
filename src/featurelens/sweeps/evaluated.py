"""What the measures of a sweep work on: trained points, and cells to measure them on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.progress import Log, counted
from featurelens.sae import model

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.sae.model import SAE


ENOUGH_ROWS = 5000
"""Most rows on which activations of two SAEs are compared."""


def finished(points: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the points whose training succeeded, as dictionaries, in the order of the table."""
    rows = points[points["status"] == "ok"].to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def load_point(store: Path, point: Mapping[str, Any]) -> SAE:
    """The trained SAE of a point, of whose row ``stack`` and ``id`` are read."""
    return model.load(store / point["stack"] / point["id"])


def trained(points: pd.DataFrame, store: Path, *, log: Log) -> Iterator[tuple[dict[str, Any], SAE]]:
    """Every point of :func:`finished` with its SAE, one SAE at a time; the log hears how far."""
    rows = finished(points)
    for point in counted(rows, len(rows), "points", "points measured", log=log):
        yield point, load_point(store, point)


def evaluation_rows(data: AnnData) -> np.ndarray:
    """Cells on which many neurons are compared with many variables, evenly spaced.

    Training cells in steps that leave at most :data:`ENOUGH_ROWS` of all cells: of 100,000 cells
    every 20th of the first 90,000, the author's 4,500 (``04_sae_analysis.py``).
    """
    step = max(1, -(-data.n_obs // ENOUGH_ROWS))
    return np.flatnonzero(data.obs["split"] == "train")[::step]


def id_first(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ``id`` in front."""
    return table[["id", *(str(column) for column in table if column != "id")]]
