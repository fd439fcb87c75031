"""Matrices of cells x genes of a bundle, in memory or left in their file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from featurelens.io import read_anndata

if TYPE_CHECKING:
    import anndata
    import h5py
    import pandas as pd

ROWS = 16_384
"""Cells that are read at once."""


def read_in_file(path: str | Path) -> anndata.AnnData:
    """Read an ``.h5ad`` file but for X and layers, which stay in it: ``X[rows]`` reads rows.

    Raises
    ------
    InputError
        As :func:`featurelens.io.read_anndata`.
    """
    return read_anndata(path, read=_all_but_matrices)


def _all_but_matrices(path: Path) -> anndata.AnnData:
    import anndata
    import h5py
    from anndata.io import read_elem, sparse_dataset

    file = h5py.File(path)

    def matrix(stored: h5py.Group | h5py.Dataset) -> Any:
        is_sparse = isinstance(stored, h5py.Group)
        return sparse_dataset(stored) if is_sparse else read_elem(stored)

    others = ("obs", "var", "obsm", "varm", "obsp", "varp", "uns")
    return anndata.AnnData(
        X=matrix(file["X"]) if "X" in file else None,
        layers={name: matrix(stored) for name, stored in file.get("layers", {}).items()},
        **{name: read_elem(file[name]) for name in others if name in file},
    )


def read_genes(path: str | Path) -> pd.DataFrame:
    """The table of genes (var) of an ``.h5ad`` file, without its matrices."""
    import h5py
    from anndata.io import read_elem

    with h5py.File(path) as file:
        return read_elem(file["var"])


def whole(matrix: Any) -> sparse.csr_matrix:
    """All of a matrix in memory, (n_cells, n_genes) CSR."""
    return sparse.csr_matrix(matrix.to_memory() if hasattr(matrix, "to_memory") else matrix)


def in_parts(matrix: Any, n_rows: int = ROWS) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    """A matrix by cells: a slice of them, and their rows, CSR."""
    for start in range(0, matrix.shape[0], n_rows):
        rows = slice(start, min(start + n_rows, matrix.shape[0]))
        yield rows, sparse.csr_matrix(matrix[rows])


def sum_rows(matrix: Any) -> NDArray[np.float64]:
    """Sum of every cell, (n_cells,)."""
    sums = [np.asarray(part.sum(axis=1)).ravel() for _, part in in_parts(matrix)]
    return np.concatenate([*sums, np.empty(0)])
