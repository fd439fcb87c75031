"""Recovery of all sweeps over simulations, with each point's hyperparameters beside it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {
    "points": "sweeps/{sweeps}/points.parquet",
    "recovery": "sweeps/{simulated_sweeps}/recovery.parquet?",
}
OUTPUTS = {"sweep_recovery": ""}
TOGETHER = "sweeps"
_BESIDE = ("architecture", "expansion", "d_sae", "learning_rate", "l1", "k", "seed", "trained")


def tabulate(
    points: Mapping[str, pd.DataFrame], recovery: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Recovery of all sweeps with each point's hyperparameters beside it.

    Returns
    -------
    DataFrame
        sweep, the columns of the recovery, position, and architecture, expansion, d_sae,
        learning_rate, l1, k, seed and trained of the point.
    """
    joined = {
        name: recovery[name].merge(points[name][["id", *_BESIDE]], on="id", validate="many_to_one")
        for name in recovery
        if len(recovery[name])
    }
    return stack_named(joined, "sweep")
