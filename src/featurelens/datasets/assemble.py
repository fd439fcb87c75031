"""Cells in the one form that later stages read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.checks import require_rows, require_unique_genes
from featurelens.io import require_unique_names

if TYPE_CHECKING:
    import anndata


LIBRARY_COLUMN = "library_column"
"""Key of uns with the name of the column that ``obs['library']`` was; absent where it is sums."""


def assemble(
    *,
    counts: sparse.csr_matrix,
    obs: pd.DataFrame,
    var: pd.DataFrame,
    what: str,
    library: str | None = None,
) -> anndata.AnnData:
    """Cells with unique names and genes, raw counts in ``layers['counts']``.

    ``library`` is the user's name of the column that ``obs['library']`` came from, kept in uns;
    None says that it was summed from the counts.

    Raises
    ------
    InputError
        If a name repeats, naming ``what`` and the first that does.
    """
    import anndata

    require_unique_names(obs.index, f"{what}: cell")
    require_unique_genes(var.index, what)
    for column in ("cell_type", "batch"):
        labels = obs[column].astype(str)
        obs[column] = pd.Categorical(labels, categories=sorted(labels.unique()))
    counted = pd.Series(counts.sum(axis=1).A1 > 0, index=obs.index)
    require_rows(counted, f"{what}: cell", "has no counts")
    positive = np.isfinite(obs["library"]) & (obs["library"] > 0)
    require_rows(positive, f"{what}: cell", "has no positive library")
    obs.index.name = None
    obs["split"] = pd.Categorical(["train"] * len(obs))
    normalised = sparse.diags_array(1e4 / obs["library"].to_numpy()) @ counts
    return anndata.AnnData(
        X=sparse.csr_matrix(normalised.log1p(), dtype=np.float32),
        obs=obs,
        var=var,
        layers={"counts": counts},
        uns={} if library is None else {LIBRARY_COLUMN: library},
    )
