"""The observables Y of simulated cells, stored or made where they are asked for.

Y of the paper's large simulation has 100,000 cells and 20,000 genes, 8 GB in single precision. It
is the product of X'' (100 programs) and the connectivity M, so any rows or columns of it are one
matrix product away and the whole need never exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from anndata import AnnData


_CHUNK_VALUES = 2**24
_CHUNK_ROWS = 8_192


@dataclass(frozen=True)
class Observables:
    """Y, of which rows and columns can be asked for as dense arrays."""

    cells: np.ndarray
    """(n_cells, n_genes) Y itself, or (n_cells, n_programs) X'' where Y is made."""
    connectivity: np.ndarray | None = None
    """(n_genes, n_programs) M, with which Y = X'' Mᵀ; None where Y is stored."""

    @classmethod
    def of(cls, values: np.ndarray | Observables) -> Observables:
        """The same observables, whether they came as an array or not."""
        return values if isinstance(values, Observables) else cls(np.asarray(values))

    @property
    def shape(self) -> tuple[int, int]:
        """(n_cells, n_genes)"""
        width = self.cells.shape[1] if self.connectivity is None else len(self.connectivity)
        return len(self.cells), width

    @property
    def is_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        return bool(np.isfinite(self.cells).all())

    def rows(self, index: slice | np.ndarray) -> np.ndarray:
        """Make the cells of a slice, of positions or of a mask: (n, n_genes) float32.

        Sums are in double precision, so that they do not depend on what else is asked for.
        """
        if self.connectivity is None:
            return np.asarray(self.cells[index], dtype=np.float32)
        return (self.cells[index].astype(np.float64) @ self._edges).astype(np.float32)

    def columns(self, index: slice | np.ndarray) -> np.ndarray:
        """Make the genes of a slice, of positions or of a mask: (n_cells, n) float32."""
        if self.connectivity is None:
            return np.asarray(self.cells[:, index], dtype=np.float32)
        return (self.cells.astype(np.float64) @ self._edges[:, index]).astype(np.float32)

    def __getitem__(self, index: slice | np.ndarray) -> Observables:
        """The observables of some cells."""
        return Observables(self.cells[index], self.connectivity)

    @cached_property
    def _edges(self) -> np.ndarray:
        assert self.connectivity is not None
        return np.ascontiguousarray(self.connectivity.T, dtype=np.float64)


def observables(adata: AnnData) -> Observables:
    """Y of simulated cells; where the file has no ``X``, from X'' and M."""
    return factored(adata) if adata.X is None else Observables(np.asarray(adata.X))


def factored(adata: AnnData) -> Observables:
    """Y as X'' and M, stored or not, where it is made of them; else Y itself."""
    if "connectivity" not in adata.varm:
        return Observables(np.asarray(adata.X))
    return Observables(
        np.asarray(adata.obsm["programs_active"]), np.asarray(adata.varm["connectivity"])
    )


def row_chunks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Slices of at most 8,192 rows and 16 million values, which are 64 MB in single precision."""
    size = min(_CHUNK_ROWS, max(1, _CHUNK_VALUES // max(1, n_columns)))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))
