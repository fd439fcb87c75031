"""Means over seeds with 95 % t intervals: every set of SAEs that differ by their seed alone, at
least two of them. Metrics of the point itself (mse, l0, share_live, explained_variance) have no
convention and no group of variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import pandas as pd
from scipy import stats

from featurelens.sae.config import SAEConfig
from featurelens.tables.stacked import stack_named

INPUTS = {
    "points": "sweeps/{sweeps}/points.parquet",
    "recovery": "sweeps/{simulated_sweeps}/recovery.parquet?",
}
TOGETHER = "sweeps"
CONFIDENCE = 0.95
"""Of the intervals over seeds."""
_SET = ("architecture", "expansion", "l1", "k", "learning_rate", "trained")
_OF_POINTS = ("mse", "l0", "share_live", "explained_variance")
_OF_RECOVERY = (
    "best_correlation", "max_correlation", "matched_correlation", "null_best_correlation",
    "null_max_correlation", "null_matched_correlation", "n_per_variable", "f1", "chance_f1",
    "uniqueness", "n_redundant",
)  # fmt: skip


def tabulate(
    points: Mapping[str, pd.DataFrame], recovery: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Means over seeds with 95 % t intervals, of every set of points that differ by seed alone.

    Parameters
    ----------
    points
        Sweep name to its points; those that failed are left out.
    recovery
        Sweep name to its recovery, for sweeps over simulations.

    Returns
    -------
    DataFrame
        sweep, architecture, expansion, l1, k, learning_rate, trained, n_seeds (with a value of
        the metric, at least two), convention, group, metric, mean, low, high, position. convention
        and group are empty for mse, l0, share_live and explained_variance, which belong to the
        point.
    """
    tables = {}
    for name, table in points.items():
        fine = table[table["status"] == "ok"]
        fine = fine.assign(share_live=fine["n_live"] / fine["d_sae"], convention="", group="")
        same = [field.name for field in fields(SAEConfig) if field.name != "seed"]
        members = table.loc[table["status"] == "ok", ["id", "seed", *_SET]]
        members = members.assign(
            set=table.loc[table["status"] == "ok"].groupby(same, sort=False).ngroup()
        )
        measured = [_long(fine, _OF_POINTS)]
        if name in recovery and len(recovery[name]):
            measured.append(_long(recovery[name], _OF_RECOVERY))
        values = pd.concat(measured, ignore_index=True).dropna(subset=["value"])
        tables[name] = _over_seeds(members.merge(values, on="id"))
    return stack_named(tables, "sweep")


def _long(table: pd.DataFrame, metrics: tuple[str, ...]) -> pd.DataFrame:
    """One row a point, convention, group and metric."""
    return table.melt(
        ["id", "convention", "group"], [*metrics], var_name="metric", value_name="value"
    )


def _over_seeds(values: pd.DataFrame) -> pd.DataFrame:
    keys = ["set", *_SET, "convention", "group", "metric"]
    table = values.groupby(keys, sort=False)["value"].agg(["count", "mean", "std"]).reset_index()
    table = table[table["count"] >= 2].rename(columns={"count": "n_seeds"})
    n = table["n_seeds"]
    half = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * table["std"] / np.sqrt(n)
    table = table.assign(low=table["mean"] - half, high=table["mean"] + half)
    columns = ["n_seeds", "convention", "group", "metric", "mean", "low", "high"]
    return table[[*_SET, *columns]].reset_index(drop=True)
