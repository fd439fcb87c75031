"""An embedding as it is given: a row a cell, and rows of NaN where a cell has none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.checks import require_matrix
from featurelens.io import InputError


@dataclass(frozen=True, eq=False)
class Given:
    """Rows of an embedding."""

    values: np.ndarray
    """(n_cells, d) float32; NaN throughout the row of a cell that has none."""

    @cached_property
    def has(self) -> np.ndarray:
        """Which cells have an embedding, (n_cells,)."""
        return ~np.isnan(self.values).all(axis=1)

    @property
    def n_missing(self) -> int:
        """Cells without."""
        return int((~self.has).sum())


def require_given(value: Any, names: pd.Index, what: str, *, most_missing: float) -> Given:
    """An embedding, sparse, dense or a table, as rows of numbers.

    Parameters
    ----------
    value
        (n_cells, d).
    names
        Of the cells, (n_cells,).
    what
        File and place, for messages.
    most_missing
        Largest share of cells that may have a row of NaN.

    Raises
    ------
    InputError
        If it is no matrix of one row a cell, too many cells are without, or the row of a cell with
        one holds a value that is not finite.
    """
    if isinstance(value, pd.DataFrame):
        value = _numbers(value, what)
    matrix = value.toarray() if sparse.issparse(value) else np.asarray(value)
    if matrix.ndim != 2 or not matrix.size or matrix.dtype.kind != "f" or len(matrix) != len(names):
        return Given(require_matrix(matrix, names, what))
    missing = np.isnan(matrix).all(axis=1)
    if not missing.any():
        return Given(require_matrix(matrix, names, what))
    if missing.mean() > most_missing:
        raise InputError(
            f"{what}: {int(missing.sum())} of {len(names)} cells have no embedding (rows of NaN), "
            f"the first is {str(names[missing][0])!r}; more than max_missing ({most_missing:g}) of "
            "the model allows: raise it, or leave these cells out"
        )
    values = np.full(matrix.shape, np.nan, dtype=np.float32)
    values[~missing] = require_matrix(matrix[~missing], names[~missing], what)
    return Given(values)


def _numbers(table: pd.DataFrame, what: str) -> np.ndarray:
    """Values of a table, all of whose columns must be numbers."""
    for name in table:
        if table[name].dtype.kind not in "fiub":
            raise InputError(
                f"{what} is a table whose column {str(name)!r} holds {table[name].dtype}; keep the "
                "columns of the embedding alone"
            )
    return table.to_numpy()
