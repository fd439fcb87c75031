"""Finished points of all sweeps, with their shares of live features and of active ones."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"points": "sweeps/{sweeps}/points.parquet"}
OUTPUTS = {"sweep_points": ""}
TOGETHER = "sweeps"


def tabulate(points: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Finished points of all sweeps with their shares of live features and of active ones.

    Returns
    -------
    DataFrame
        sweep, the columns of the points (convention as training_convention, because it is no
        convention of evaluation), position, share_live (n_live / d_sae) and share_active (mean
        number of features active in a cell / d_sae). The density histogram, a list, stays in the
        sweep's own table.
    """
    table = stack_named(points, "sweep").rename(columns={"convention": "training_convention"})
    table = table[table["status"] == "ok"].drop(columns="density", errors="ignore")
    return table.assign(
        share_live=table["n_live"] / table["d_sae"], share_active=table["l0"] / table["d_sae"]
    )
