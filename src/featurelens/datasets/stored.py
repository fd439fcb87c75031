"""Parts of a store of cells, HDF5 or Zarr, read no further than is wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.plain import plain_index
from featurelens.datasets.stores import is_group, parts_of
from featurelens.datasets.tenx import MatrixMarket
from featurelens.io import InputError

VALUES_AT_ONCE = 20_000_000
"""Stored values of a matrix that are read before columns are selected."""
SAMPLED_COUNTS = 200_000
"""Values of a matrix that are looked at to tell whether they are counts."""


def columns_of(frame: Any) -> list[str]:
    """Names of the columns of a stored table."""
    return [str(name) for name in frame.attrs["column-order"]]


def names_of(frame: Any) -> pd.Index:
    """Index of a stored table; an InputError where it is no list, or a part of it is missing."""
    from anndata.io import read_elem

    return plain_index(pd.Index(read_elem(_stored_names(frame))))


def table_of(frame: Any) -> pd.DataFrame:
    """A stored table; an InputError where :func:`names_of` has one."""
    from anndata.io import read_elem

    _stored_names(frame)
    return read_elem(frame)


def _stored_names(frame: Any) -> Any:
    """Names of the rows of a table as they are stored; of a matrix pandas would make tuples."""
    stored = frame[frame.attrs["_index"]]
    if any(len(each.shape) > 1 for each in _arrays_of(stored)):
        raise InputError(
            f"{where_of(stored)}: names ({stored.name}) are a matrix, not a list; write them anew"
        )
    require_chunks(stored, f"names ({stored.name})")
    return stored


def read_column(frame: Any, name: str) -> pd.Series:
    """One column of a stored table; anndata 0.7 kept the categories of all columns apart."""
    from anndata.io import read_elem

    stored = frame[name]
    categories = stored.attrs.get("categories")
    if categories is None:
        if any(each.dtype.kind == "V" or len(each.shape) != 1 for each in _arrays_of(stored)):
            raise InputError(
                f"{where_of(stored)}: column {name!r} is neither text nor numbers, one for each "
                "row; write it anew as one of these"
            )
        return pd.Series(read_elem(stored))
    kept = frame.file[categories]
    names = kept.asstr()[()] if kept.dtype.kind == "O" else kept[()]
    return pd.Series(pd.Categorical.from_codes(stored[()], categories=names))


def _arrays_of(element: Any) -> list[Any]:
    """Arrays of a stored element: itself, or those of its parts, such as codes and categories."""
    if not is_group(element):
        return [element]
    return [array for name in element for array in _arrays_of(element[name])]


def where_of(element: Any) -> str:
    """The file that a stored element lies in, where its store tells."""
    return str(getattr(getattr(element, "file", None), "filename", element.name))


def is_matrix(element: Any) -> bool:
    """Whether an element is stored as numbers of rows and columns, sparse or dense."""
    if isinstance(element, MatrixMarket):
        return True
    if is_group(element):
        return {"data", "indices", "indptr"} <= set(element.keys())
    return len(element.shape) == 2 and element.dtype.kind in "biuf"


def read_part(group: Any, name: str) -> dict[str, Any]:
    """A part that is a mapping, read; nothing where it is absent."""
    return {key: read_sound(value) for key, value in parts_of(group, name).items()}


def read_sound(element: Any) -> Any:
    """A stored element, read; of a sparse matrix, every value has a place.

    Raises
    ------
    InputError
        If one has none: what computes with sparse matrices trusts that, and ends the process.
    """
    from anndata.io import read_elem

    value = read_elem(element)
    if sparse.issparse(value):
        require_sound(value, f"{where_of(element)}: {element.name}")
    return value


def require_sound(matrix: Any, where: str) -> None:
    """Raise an InputError unless every value of a sparse matrix has a place within it."""
    try:
        matrix.check_format(full_check=True)
    except ValueError as error:
        raise InputError(
            f"{where}: its parts do not fit together ({error}); write it again"
        ) from error


def read_matrix(
    element: Any, *, rows: np.ndarray | None = None, columns: np.ndarray | None = None
) -> sparse.csr_matrix:
    """Read a stored matrix, sparse or dense, as CSR.

    Where columns are selected, rows are read in chunks, so that a matrix of many modalities never
    stands in memory as a whole.

    Parameters
    ----------
    element
        Group or dataset of an open file.
    rows, columns
        Positions to keep; None keeps all.
    """
    from anndata.io import sparse_dataset

    if isinstance(element, MatrixMarket):
        matrix = element.read()
        matrix = matrix if columns is None else matrix[:, columns]
    elif columns is None:
        matrix = sparse.csr_matrix(_in_single(read_sound(element)))
    elif is_group(element) and "csc" in str(dict(element.attrs)):
        matrix = sparse.csr_matrix(read_sound(element)[:, columns])
    else:
        stored = sparse_dataset(element) if is_group(element) else element
        n_stored = element["data"].shape[0] if is_group(element) else element.size
        n_rows = stored.shape[0]
        step = max(1, int(n_rows * VALUES_AT_ONCE / max(n_stored, 1)))
        blocks = []
        for start in range(0, n_rows, step):
            block = sparse.csr_matrix(_in_single(stored[start : start + step]))
            require_sound(block, f"{where_of(element)}: {element.name}")
            blocks.append(block[:, columns])
        matrix = sparse.vstack(blocks, format="csr")
    return sparse.csr_matrix(matrix if rows is None else matrix[rows])


def _in_single(values: Any) -> Any:
    """Half precision as single: no sparse matrix of scipy holds it."""
    return values.astype(np.float32) if values.dtype == np.float16 else values


def first_values(element: Any) -> np.ndarray:
    """The first values of a stored matrix, sparse or dense, flat; see :func:`require_chunks`."""
    if isinstance(element, MatrixMarket):
        return element.first(SAMPLED_COUNTS)[0]
    if is_group(element):
        require_chunks(element, element.name)
        return np.asarray(element["data"][:SAMPLED_COUNTS])
    rows = max(1, SAMPLED_COUNTS // max(1, element.shape[1]))
    return np.asarray(element[:rows]).ravel()


def row_of(element: Any, position: int) -> int:
    """Row of a stored value, by its position in what :func:`first_values` returned."""
    if isinstance(element, MatrixMarket):
        return int(element.first(position + 1)[1][position])
    if not is_group(element):
        return position // element.shape[1]
    if "csc" in str(dict(element.attrs)):
        return int(element["indices"][position])
    return int(np.searchsorted(element["indptr"][:], position, side="right")) - 1


def require_chunks(element: Any, where: str) -> None:
    """Raise an InputError where chunks of a Zarr array are missing, which Zarr reads as zeros.

    A dense matrix may lack chunks that hold nothing but zeros; values of a sparse one are none.
    """
    if is_group(element):
        for name in ("data", "indices", "values"):
            if name in element:
                require_chunks(element[name], f"{where}/{name}")
    elif hasattr(element, "nchunks_initialized"):
        missing = element.nchunks - element.nchunks_initialized
        if missing:
            raise InputError(
                f"{where} lacks {missing} of its {element.nchunks} chunks; is the folder complete?"
            )
