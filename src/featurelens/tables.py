"""The paper's tables S6 and S7 and the tables that its claims are read from.

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

FILTERS = ("kept_fdr", "kept_published_05", "kept_published_figures")
"""Columns of the enrichment table that say whether a row counts as an annotation."""

FEATURE_TYPES = ("local", "regional", "global", "dead")


def stack_named(tables: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """All tables below one another, each row with the name and the position of its table."""
    named = [
        table.assign(position=position).pipe(_first_column, column, name)
        for position, (name, table) in enumerate(tables.items(), start=1)
        if len(table)
    ]
    return pd.concat(named, ignore_index=True) if named else pd.DataFrame({column: []})


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


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _first_column(table: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    table = table.drop(columns=column, errors="ignore")
    table.insert(0, column, value)
    return table
