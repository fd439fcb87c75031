"""**Table S6.** Live, local, regional, global and dead features of each SAE. Published: a feature
is significant in a cell type if its mean there exceeds its mean elsewhere by 1.96 times the sum
of both standard errors. Corrected: some type stands out of shuffled labels, and types are high
whose mean is at least half of the top type's: local with one, regional with up to half of them.
``global_paper`` counts every live feature that is not local; ``local_shuffled`` and
``regional_shuffled`` are what the rule finds once the cells' types are shuffled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.features.activations import read_without_activations

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {"features": "features/{saes}/features.h5ad"}
READERS = {"features": read_without_activations}
TOGETHER = "cells"
FEATURE_TYPES = ("local", "regional", "global", "dead")


def tabulate(features: Mapping[str, AnnData]) -> pd.DataFrame:
    """How many features of each SAE are live, local, regional, global and dead.

    Parameters
    ----------
    features
        SAE name to its features (``features.h5ad``), of which var is read.

    Returns
    -------
    DataFrame
        sae, position, convention, n_features, live, local, regional, global, dead, global_paper
        (live but not local, what the paper calls global), local_shuffled and regional_shuffled (of
        shuffled labels), share_live, share_local (of the live),
        active_per_cell (mean number of features active in a cell) and share_active_per_cell
        (of the live).
    """
    rows: list[dict[str, object]] = []
    for position, (name, adata) in enumerate(features.items(), start=1):
        var = adata.var
        for convention in CONVENTIONS:
            kinds = var["type_published" if convention == "published" else "type"].astype(str)
            shuffled = var[kinds.name + "_shuffled"].astype(str)
            counts = {kind: int((kinds == kind).sum()) for kind in FEATURE_TYPES}
            live = len(var) - counts["dead"]
            per_cell = float(var["fraction_active"].sum())
            rows.append(
                {"sae": name, "position": position, "convention": convention}
                | {"n_features": len(var), "live": live}
                | counts
                | {
                    "global_paper": live - counts["local"],
                    "local_shuffled": int((shuffled == "local").sum()),
                    "regional_shuffled": int((shuffled == "regional").sum()),
                    "share_live": _share(live, len(var)),
                    "share_local": _share(counts["local"], live),
                    "active_per_cell": per_cell,
                    "share_active_per_cell": _share(per_cell, live),
                }
            )
    return pd.DataFrame(rows)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
