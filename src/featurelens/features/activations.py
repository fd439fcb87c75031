"""Activations of cells by columns: read so, and some features at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    import anndata
    import pandas as pd

VALUES, AT_ONCE = 4_000_000, 2**24
"""Values that are read, and that are worked on, at once; changes no result."""


def read_activations(path: str | Path) -> tuple[pd.Index, sparse.csc_matrix]:
    """Names of the cells, and activations (n_cells, n_features) CSC, of ``features.h5ad``."""
    import h5py
    from anndata.io import read_elem, sparse_dataset

    from featurelens.datasets.files import names_of

    with h5py.File(path) as file:
        names, stored = names_of(file["obs"]), file["X"]
        if isinstance(stored, h5py.Dataset) or "indptr" not in stored:
            return names, sparse.csc_matrix(read_elem(stored))
        matrix = sparse_dataset(stored)
        if matrix.format == "csc":
            return names, matrix.to_memory()
        return names, _by_columns(matrix, stored["indptr"][:], stored["data"].dtype)


def read_without_activations(path: str | Path) -> anndata.AnnData:
    """``features.h5ad`` but for its matrices: obs, var, uns, obsm and varm.

    Of many cells the activations take gigabytes, of which tables about features need none.
    """
    import anndata
    import h5py
    from anndata.io import read_elem

    with h5py.File(path) as file:
        parts = {name: read_elem(file[name]) for name in ("obs", "var", "uns", "obsm", "varm")}
    return anndata.AnnData(**parts)


def _by_columns(stored: Any, indptr: np.ndarray, dtype: np.dtype) -> sparse.csc_matrix:
    n_columns = stored.shape[1]
    sizes = np.zeros(n_columns, dtype=np.int64)
    for rows in _rows(indptr):
        sizes += np.bincount(stored[rows].indices, minlength=n_columns)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    filled = bounds[:-1].copy()
    data, indices = np.empty(bounds[-1], dtype), np.empty(bounds[-1], np.int32)
    for rows in _rows(indptr):
        part = sparse.csc_matrix(stored[rows])
        for column in np.flatnonzero(np.diff(part.indptr)):
            here = slice(part.indptr[column], part.indptr[column + 1])
            there = slice(filled[column], filled[column] + here.stop - here.start)
            data[there], indices[there] = part.data[here], part.indices[here] + rows.start
            filled[column] = there.stop
    return sparse.csc_matrix((data, indices, bounds), shape=stored.shape)


def _rows(indptr: np.ndarray) -> Iterator[slice]:
    """Slices of the cells with some :data:`VALUES` values each."""
    n_cells, n_values = len(indptr) - 1, int(indptr[-1])
    step = max(1, int(n_cells * VALUES / max(n_values, 1)))
    for start in range(0, n_cells, step):
        yield slice(start, min(start + step, n_cells))


def by_features(activations: sparse.csr_matrix) -> Iterator[sparse.csr_matrix]:
    """Activations of some features at a time, about :data:`AT_ONCE` values; bounds memory."""
    n_features = activations.shape[1]
    step = max(1, int(n_features * AT_ONCE / max(activations.nnz, 1)))
    if step >= n_features:
        yield activations
        return
    for start in range(0, n_features, step):
        yield activations[:, start : start + step]
