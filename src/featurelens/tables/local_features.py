"""Number of local features and of cells of every cell type (the paper's Figure S17 as a table)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import CONVENTIONS

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {"features": "features/{saes}/features.h5ad"}
TOGETHER = "cells"


def tabulate(features: Mapping[str, AnnData]) -> pd.DataFrame:
    """Local features and cells of every cell type.

    Parameters
    ----------
    features
        SAE name to its features (``features.h5ad``), of which var is read, and obs for the type of
        every cell.

    Returns
    -------
    DataFrame
        sae, position, convention, cell_type, n_local, n_cells; types without a local feature
        stand with 0.
    """
    rows: list[dict[str, object]] = []
    for position, (name, adata) in enumerate(features.items(), start=1):
        var, cell_types = adata.var, adata.obs["cell_type"]
        n_cells = cell_types.astype(str).value_counts().sort_index()
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
