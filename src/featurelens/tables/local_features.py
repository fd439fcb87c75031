"""Number of local features and of cells of every cell type (the paper's Figure S17 as a table)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.features.activations import read_without_activations
from featurelens.features.locality import local_types

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {"features": "features/{saes}/features.h5ad"}
READERS = {"features": read_without_activations}
TOGETHER = "cells"


def tabulate(features: Mapping[str, AnnData]) -> pd.DataFrame:
    """Local features and cells of every cell type.

    Parameters
    ----------
    features
        SAE name to its features (``features.h5ad``), of which var is read, the types in which
        each is significant (varm), and obs for the type of every cell.

    Returns
    -------
    DataFrame
        sae, position, convention, cell_type, n_local, n_cells; types without a local feature
        stand with 0.
    """
    rows: list[dict[str, object]] = []
    for position, (name, adata) in enumerate(features.items(), start=1):
        n_cells = adata.obs["cell_type"].astype(str).value_counts().sort_index()
        for convention in CONVENTIONS:
            tops = local_types(adata, convention).value_counts()
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
