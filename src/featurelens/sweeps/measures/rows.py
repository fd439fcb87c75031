"""Rows that points of a sweep are measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData


ENOUGH_ROWS = 5000
"""Most rows on which activations of two SAEs are compared."""


def evaluation_rows(data: AnnData) -> np.ndarray:
    """Cells on which many neurons are compared with many variables, evenly spaced.

    Training cells in steps that leave at most :data:`ENOUGH_ROWS` of all cells: of 100,000 cells
    every 20th of the first 90,000, the author's 4,500 (``04_sae_analysis.py``).
    """
    step = max(1, -(-data.n_obs // ENOUGH_ROWS))
    return np.flatnonzero(data.obs["split"] == "train")[::step]


def id_first(table: pd.DataFrame) -> list[str]:
    """Columns of a table with ``id`` in front."""
    return ["id", *(str(column) for column in table if column != "id")]
