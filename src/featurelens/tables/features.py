"""Tables of feature types: how many are local, regional, global or dead (Table S6)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.conventions import CONVENTIONS

FEATURE_TYPES = ("local", "regional", "global", "dead")


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


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
