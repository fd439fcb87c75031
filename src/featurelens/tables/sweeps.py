"""Tables of all sweeps of a run: the grid, the points, what they recover, and their spread.

Points of which training changed only a part (``trained`` is encoder or nothing) are baselines. They
have rows of their own, and no mean over SAEs counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import pandas as pd
from scipy import stats

from featurelens.sae.config import SAEConfig
from featurelens.sae.listing import paper_architectures
from featurelens.sweeps.points import TOPK_FAMILY
from featurelens.sweeps.selection import fully_trained
from featurelens.tables.named import stack_named

CONFIDENCE = 0.95
"""Of the intervals over seeds."""
PAPER_BASELINES = ("pca", "ica", "svd")
"""Decompositions that the paper compares its SAEs with."""
PARTLY_TRAINED = {"encoder": "sae_frozen", "nothing": "sae_untrained"}
"""Methods of Table S5 by the part of an SAE that was trained."""
_GRID_FIELDS = ("expansion", "d_sae", "learning_rate", "l1", "k", "epochs", "batch_size", "seed")
_BESIDE = ("architecture", "expansion", "d_sae", "learning_rate", "l1", "k", "seed", "trained")
_SET = ("architecture", "expansion", "l1", "k", "learning_rate", "trained")
_OF_POINTS = ("mse", "l0", "share_live", "explained_variance")
_OF_RECOVERY = (
    "best_correlation", "max_correlation", "matched_correlation", "null_best_correlation",
    "null_max_correlation", "null_matched_correlation", "n_per_variable", "f1", "chance_f1",
    "uniqueness", "n_redundant",
)  # fmt: skip
_MEASURES = ("best_correlation", "max_correlation")


def sweep_grid(points: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
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
        for architecture, group in _by_architecture(trained)
    ]
    return pd.DataFrame(rows)


def sweep_points(points: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
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


def sweep_recovery(
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


def best_correlations(
    points: pd.DataFrame, recovery: pd.DataFrame, baselines: pd.DataFrame
) -> pd.DataFrame:
    """Table S5: best correlation of a single feature with each group of variables, by method.

    As in the paper, the mean over the widths of the SAE stands with its standard error
    (author's ``figure_3_sim_table.py``); a baseline is one model and has none.

    Returns
    -------
    DataFrame
        convention, group, method, n_models, best_correlation (mean over the group's variables),
        best_sem, max_correlation (the best variable, the number that the paper prints), max_sem.
        Methods are ``sae`` (all architectures), ``sae_<architecture>``, ``random`` (as many
        random directions that fire as often as the features of these SAEs), ``sae_frozen`` (only
        the encoder was trained), ``sae_untrained``, each baseline, and ``best_baseline`` (the
        highest of the paper's three: PCA, ICA and SVD).
    """
    joined = recovery.merge(points[["id", "architecture", "expansion", "trained"]], on="id")
    trained = fully_trained(joined)
    frames = [_over_widths(trained, "sae")]
    for architecture, rows in _by_architecture(trained):
        frames.append(_over_widths(rows, f"sae_{architecture}"))
    random = trained.assign(**{name: trained[f"null_{name}"] for name in _MEASURES})
    frames.append(_over_widths(random, "random"))
    for part, method in PARTLY_TRAINED.items():
        if (joined["trained"] == part).any():
            frames.append(_over_widths(joined[joined["trained"] == part], method))
    if len(baselines):
        measured = baselines[["convention", "group", "method", *_MEASURES]]
        paper = measured[measured["method"].isin(PAPER_BASELINES)]
        best = paper.groupby(["convention", "group"], sort=False)[list(_MEASURES)].max()
        best = best.reset_index().assign(method="best_baseline")
        frames.append(pd.concat([measured, best]).assign(n_models=1))
    table = pd.concat(frames, ignore_index=True)
    columns = ["best_correlation", "best_sem", "max_correlation", "max_sem"]
    return table[["convention", "group", "method", "n_models", *columns]]


def selected_points(
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


def _by_architecture(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of every architecture, the paper's three first."""
    groups = {str(name): rows for name, rows in table.groupby("architecture", sort=True)}
    paper = [name for name in paper_architectures() if name in groups]
    return [(name, groups[name]) for name in [*paper, *(n for n in groups if n not in paper)]]


def _unused(architecture: str) -> str:
    """The sparsity parameter that an architecture does not have."""
    return "l1" if architecture in TOPK_FAMILY else "k"


def _over_widths(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """Mean and standard error over widths of the mean over all other settings."""
    keys = ["convention", "group"]
    widths = rows.groupby([*keys, "expansion"], sort=False)[list(_MEASURES)].mean()
    over = widths.groupby(level=keys, sort=False)
    table = over.mean().join(
        over.sem().set_axis(["best_sem", "max_sem"], axis=1),
    )
    table["n_models"] = rows.groupby(keys, sort=False)["id"].nunique()
    return table.reset_index().assign(method=method)


def _listed(values: pd.Series) -> str:
    return ", ".join(f"{value:g}" for value in np.unique(values.dropna()))
