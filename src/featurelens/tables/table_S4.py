"""**Table S4.** The grid of each sweep: number of runs and values of every hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from featurelens.sweeps.points import TOPK_FAMILY
from featurelens.sweeps.selection import by_architecture

INPUTS = {"points": "sweeps/{sweeps}/points.parquet"}
TOGETHER = "sweeps"
_GRID_FIELDS = ("expansion", "d_sae", "learning_rate", "l1", "k", "epochs", "batch_size", "seed")


def tabulate(points: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table S4: the grid that each sweep ran, one row per sweep, architecture and part trained.

    Parameters
    ----------
    points
        Sweep name to its trained points.

    Returns
    -------
    DataFrame
        sweep, architecture, trained, n_runs, n_failed, and for every hyperparameter its values,
        ascending, separated by commas; l1 of the TopK family and k of the others are empty.
    """
    rows = [
        {
            "sweep": sweep,
            "architecture": architecture,
            "trained": part,
            "n_runs": len(group),
            "n_failed": int((group["status"] != "ok").sum()),
            **{field: _listed(group[field]) for field in _GRID_FIELDS},
            _unused(architecture): "",
        }
        for sweep, table in points.items()
        for part, trained in table.groupby("trained", sort=True)
        for architecture, group in by_architecture(trained)
    ]
    return pd.DataFrame(rows)


def _unused(architecture: str) -> str:
    """The sparsity parameter that an architecture does not have."""
    return "l1" if architecture in TOPK_FAMILY else "k"


def _listed(values: pd.Series) -> str:
    return ", ".join(f"{value:g}" for value in np.unique(values.dropna()))
