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


CELLS_AT_ONCE = 16_384
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
    return anndata.AnnData(
        X=logarithms(counts, obs["library"].to_numpy()),
        obs=obs,
        var=var,
        layers={"counts": counts},
        uns={} if library is None else {LIBRARY_COLUMN: library},
    )


def logarithms(counts: sparse.csr_matrix, library: np.ndarray) -> sparse.csr_matrix:
    """``log1p(counts / library * 1e4)``, float32, made in float64 for some cells at a time.

    Where values stand is as in ``counts``, and the same arrays: half of what counts take.
    """
    values = np.empty(len(counts.data), np.float32)
    scale = 1e4 / library
    for start in range(0, counts.shape[0], CELLS_AT_ONCE):
        bounds = counts.indptr[start : start + CELLS_AT_ONCE + 1]
        part = slice(bounds[0], bounds[-1])
        each = np.repeat(scale[start : start + CELLS_AT_ONCE], np.diff(bounds))
        values[part] = np.log1p(each * counts.data[part])
    return sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)
