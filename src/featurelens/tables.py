"""The paper's tables S4 to S7 and the tables that its claims are read from.

Every function takes tables that earlier stages wrote and returns one table; none computes a
statistic that another module owns. Several SAEs or sweeps come as a mapping from name to table,
and their place in that mapping becomes the column ``position`` (1 for the first), so that a claim
can speak of the first and the second embedding without knowing their names.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.sweeps import TOPK_FAMILY

FILTERS = ("kept_fdr", "kept_published_05", "kept_published_figures")
"""Columns of the enrichment table that say whether a row counts as an annotation."""

FEATURE_TYPES = ("local", "regional", "global", "dead")

_GRID_FIELDS = ("expansion", "d_sae", "learning_rate", "l1", "k", "epochs", "batch_size", "seed")


def stack_named(tables: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """All tables below one another, each row with the name and the position of its table."""
    named = [
        table.assign(position=position).pipe(_first_column, column, name)
        for position, (name, table) in enumerate(tables.items(), start=1)
        if len(table)
    ]
    return pd.concat(named, ignore_index=True) if named else pd.DataFrame({column: []})


def sweep_grid(points: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table S4: the grid that each sweep ran, one row per sweep and architecture.

    Parameters
    ----------
    points
        Sweep name to its trained points.

    Returns
    -------
    DataFrame
        sweep, architecture, n_runs, n_failed, and for every hyperparameter its values, ascending,
        separated by commas; l1 of the TopK family and k of the others are empty.
    """
    rows = [
        {
            "sweep": sweep,
            "architecture": architecture,
            "n_runs": len(group),
            "n_failed": int((group["status"] != "ok").sum()),
            **{field: _listed(group[field]) for field in _GRID_FIELDS},
            _unused(architecture): "",
        }
        for sweep, table in points.items()
        for architecture, group in _by_architecture(table)
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
        learning_rate, l1, k and seed of the point.
    """
    fields = ["id", "architecture", "expansion", "d_sae", "learning_rate", "l1", "k", "seed"]
    joined = {
        name: recovery[name].merge(points[name][fields], on="id", validate="many_to_one")
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
        Methods are ``sae`` (all architectures), ``sae_<architecture>``, each baseline, and
        ``best_baseline`` (the highest of them).
    """
    joined = recovery.merge(points[["id", "architecture", "expansion"]], on="id")
    frames = [_over_widths(joined, "sae")]
    for architecture, rows in _by_architecture(joined):
        frames.append(_over_widths(rows, f"sae_{architecture}"))
    if len(baselines):
        measured = baselines[["convention", "group", "method", *_MEASURES]]
        best = measured.groupby(["convention", "group"], sort=False)[list(_MEASURES)].max()
        best = best.reset_index().assign(method="best_baseline")
        frames.append(pd.concat([measured, best]).assign(n_models=1))
    table = pd.concat(frames, ignore_index=True)
    columns = ["best_correlation", "best_sem", "max_correlation", "max_sem"]
    return table[["convention", "group", "method", "n_models", *columns]]


def feature_types(features: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Table S6: how many features of each SAE are live, local, regional, global and dead.

    Parameters
    ----------
    features
        SAE name to the feature table (``features.h5ad``'s var).

    Returns
    -------
    DataFrame
        sae, position, convention, n_features, live, local, regional, global, dead, global_paper
        (live but not local, what the paper calls global), share_live, share_local (of the live),
        active_per_cell (mean number of features active in a cell) and share_active_per_cell
        (of the live).
    """
    rows: list[dict[str, object]] = []
    for position, (name, var) in enumerate(features.items(), start=1):
        for convention in CONVENTIONS:
            kinds = var["type_published" if convention == "published" else "type"].astype(str)
            counts = {kind: int((kinds == kind).sum()) for kind in FEATURE_TYPES}
            live = len(var) - counts["dead"]
            per_cell = float(var["fraction_active"].sum())
            rows.append(
                {"sae": name, "position": position, "convention": convention}
                | {"n_features": len(var), "live": live}
                | counts
                | {
                    "global_paper": live - counts["local"],
                    "share_live": _share(live, len(var)),
                    "share_local": _share(counts["local"], live),
                    "active_per_cell": per_cell,
                    "share_active_per_cell": _share(per_cell, live),
                }
            )
    return pd.DataFrame(rows)


def local_features(
    features: Mapping[str, pd.DataFrame], cell_types: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """Figure S17 as a table: local features and cells of every cell type.

    Parameters
    ----------
    features
        SAE name to the feature table.
    cell_types
        SAE name to the cell type of each of its cells.

    Returns
    -------
    DataFrame
        sae, position, convention, cell_type, n_local, n_cells; types without a local feature
        stand with 0.
    """
    rows: list[dict[str, object]] = []
    for position, (name, var) in enumerate(features.items(), start=1):
        n_cells = cell_types[name].astype(str).value_counts().sort_index()
        for convention in CONVENTIONS:
            kinds = var["type_published" if convention == "published" else "type"].astype(str)
            tops = var.loc[kinds == "local", "top_cell_type"].astype(str).value_counts()
            rows.extend(
                {
                    "sae": name,
                    "position": position,
                    "convention": convention,
                    "cell_type": cell_type,
                    "n_local": int(tops.get(cell_type, 0)),
                    "n_cells": int(count),
                }
                for cell_type, count in n_cells.items()
            )
    return pd.DataFrame(rows)


def annotation_summary(
    summaries: Mapping[str, pd.DataFrame], controls: Mapping[str, pd.DataFrame] | None = None
) -> pd.DataFrame:
    """How much of each SAE is annotated, in every contrast, convention and filter, with its nulls.

    Parameters
    ----------
    summaries
        Name (dataset/model/sae/collection) to ``summary.tsv``
        (:func:`featurelens.annotation_summary.summarise`).
    controls
        The same of controls: that of sae has the name dataset/model/sae.untrained/collection, and
        so with sae.random.

    Returns
    -------
    DataFrame
        sae, position, the columns of the summary, and share_untrained and share_random: the share
        of an SAE with its initial weights and of random directions; NaN where this run has none.
    """
    table = stack_named(summaries, "sae")
    keys = ["contrast", "convention", "filter"]
    for kind in ("untrained", "random"):
        shares = {
            name: control.set_index(keys)["share"].to_dict()
            for name in summaries
            if (control := (controls or {}).get(_control_of(name, kind))) is not None
        }
        table[f"share_{kind}"] = [
            shares.get(row["sae"], {}).get(tuple(row[key] for key in keys), np.nan)
            for row in table.to_dict("records")
        ]
    return table


def _control_of(name: str, kind: str) -> str:
    dataset, model, sae, collection = name.split("/")
    return f"{dataset}/{model}/{sae}.{kind}/{collection}"


_MEASURES = ("best_correlation", "max_correlation")


def _by_architecture(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of every architecture, the paper's three first."""
    groups = {str(name): rows for name, rows in table.groupby("architecture", sort=True)}
    paper = [name for name in ("vanilla", "relu", "topk") if name in groups]
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


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _first_column(table: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    table = table.drop(columns=column, errors="ignore")
    table.insert(0, column, value)
    return table
