"""Checks of a user's file, quick enough to make before anything is computed.

They read with h5py only what they judge: names, keys, the first counts, one embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.config import DatasetConfig, OwnCells
from featurelens.datasets.files import (
    CellsFile,
    columns_of,
    ensembl_column,
    open_cells,
    require_key,
)
from featurelens.datasets.h5_faults import require_filters
from featurelens.datasets.labels import require_cell_types, require_labels
from featurelens.io import InputError

COUNTS_IN_X = "where X holds the counts, leave counts_layer out"
NO_EMBEDDING = "one in another file is given by its path, and a model of kind pca makes one"
"""What else there is to do where a layer or an embedding is missing."""
SAMPLED_COUNTS = 200_000
MOST = np.iinfo(np.int32).max
"""Largest count; later stages keep counts as int32."""
NEARLY = 1e-3
"""Counts that are this close to integers were integers before their logarithms were undone."""
_ELSEWHERE = "name the layer with the counts as counts_layer"
_ROUND = "if these are counts whose logarithms were undone, round them with numpy.rint"


def check_dataset(
    config: DatasetConfig, *, cell_types: Sequence[str] = (), columns: Sequence[str] = ()
) -> None:
    """Look for the mistakes that can be seen in milliseconds.

    Of a file: that it exists and is HDF5, that names of cells and genes are unique, that the named
    columns (and further ``columns``) and layers exist, that every cell has a type and a batch, that
    some cell is of each type in ``cell_types``, and that the first counts are integers from zero.

    Raises
    ------
    InputError
        With one line that names the file and the key.
    """
    if not isinstance(config, OwnCells):
        return
    with open_cells(config) as file:
        require_unique_genes(kept_genes(file), config.path)
        for column in (config.cell_type, config.batch, config.library, *columns):
            if column is not None:
                require_key(column, file.columns_of_cells, f"{config.path}: obs")
        for column in (config.cell_type, config.batch):
            if column is not None:
                labels = file.column(column)
                require_labels(labels, file.names, column, config.path)
        if cell_types:
            labels = file.column(config.cell_type)
            require_cell_types(labels, cell_types, f"{config.path}: obs[{config.cell_type!r}]")
        if config.symbol is not None:
            require_key(config.symbol, columns_of(file.part["var"]), f"{config.path}: var")
        ensembl_column(config, columns_of(file.part["var"]))
        if config.only:
            chosen_cells(file.table(), config)
        matrix = counts_of(file, config)
        names = file.row_names
        require_counts(
            _first_values(matrix),
            f"{config.path}: {config.counts}",
            lambda position: names[_row_of(matrix, position)],
        )


def chosen_cells(obs: pd.DataFrame, config: OwnCells) -> np.ndarray:
    """Which cells have every value that ``config.only`` asks for, boolean (n_cells,).

    Raises
    ------
    InputError
        If a column is missing, or no cell has the values.
    """
    chosen = np.ones(len(obs), dtype=bool)
    for column, value in (config.only or {}).items():
        require_key(column, obs, f"{config.path}: obs")
        labels = obs[column].astype(str)
        require_key(value, sorted(labels.unique()), f"{config.path}: obs[{column!r}]")
        chosen &= (labels == value).to_numpy()
    if not chosen.any():
        raise InputError(f"{config.path}: no cell has all of {config.only}; ask for less in only")
    return chosen


def counts_of(file: CellsFile, config: OwnCells) -> Any:
    """Stored matrix of the counts, not read yet; raises :class:`InputError` if it is missing."""
    layers = file.part.get("layers", {})
    if config.counts_layer is None:
        require_key("X", file.part, config.path)
        element = file.part["X"]
    else:
        where = f"{config.path}: layers"
        require_key(config.counts_layer, layers, where, otherwise=COUNTS_IN_X)
        element = layers[config.counts_layer]
    if getattr(element, "shape", ()) is None:
        raise InputError(no_expression(config, layers))
    require_filters(element, f"{config.path}: {config.counts}")
    return element


def no_expression(config: OwnCells, layers: Iterable[str]) -> str:
    """What to say of cells whose counts are not where the config says."""
    # anndata 0.13 lists X among the layers, as None.
    there = ", ".join(str(name) for name in layers if name is not None) or "nothing"
    return (
        f"{config.path}: has no expression ({config.counts} is empty, layers hold {there}); "
        "features are annotated by genes, so give the raw counts of the same cells"
    )


def kept_genes(file: CellsFile) -> pd.Index:
    """Names of the features of the modality that is kept."""
    return file.genes if file.columns is None else file.genes[file.columns]


def check_embedding_key(config: OwnCells, key: str) -> int:
    """Dimensions of an embedding in a file, of which cell names and that one matrix are read.

    Raises
    ------
    InputError
        If the file or the key is missing, cell names repeat, or the embedding is no matrix of
        finite numbers; the first cell at fault is named.
    """
    from anndata.io import read_elem

    with open_cells(config) as file:
        where = f"{config.path}: obsm"
        require_key(key, file.obsm, where, otherwise=NO_EMBEDDING)
        stored, rows = file.obsm[key]
        names = file.names if rows is None else file.row_names
        matrix = require_matrix(read_elem(stored), names, f"{config.path}: obsm[{key!r}]")
    return matrix.shape[1]


def require_unique_genes(names: pd.Index, path: str | Path) -> None:
    """Raise :class:`InputError` that shows the first gene name that occurs twice."""
    if not names.is_unique:
        repeated = str(names[names.duplicated()][0])
        raise InputError(
            f"{path}: gene name {repeated!r} occurs more than once; make the names unique with "
            "adata.var_names_make_unique(), or use identifiers as names and give a symbol column"
        )


def require_counts(values: np.ndarray, where: str, cell_of: Callable[[int], str]) -> None:
    """Raise :class:`InputError` with the first value that is no non-negative integer.

    Parameters
    ----------
    values
        Stored values of a matrix, flat.
    where
        File and place, for the message.
    cell_of
        Name of the cell that a position in ``values`` belongs to.
    """
    if values.dtype.kind == "b" or (values.dtype.kind == "u" and values.dtype.itemsize < 4):
        return
    wide = values.astype(np.float64) if values.dtype.kind == "f" else values
    for problem, bad, remedy in (
        ("is not finite", ~np.isfinite(wide), _ELSEWHERE),
        ("is negative", wide < 0, _ELSEWHERE),
        ("is no integer", np.abs(wide - np.round(wide)) > NEARLY, _ELSEWHERE),
        ("is nearly an integer", wide != np.round(wide), _ROUND),
        ("is more than a count can be", wide > MOST, "are these counts of molecules?"),
    ):
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            digits = 6 if remedy is _ELSEWHERE else 10
            raise InputError(
                f"{where} must hold raw counts, but {wide[first]:.{digits}g} in cell "
                f"{str(cell_of(first))!r} {problem}; {remedy}"
            )


def require_matrix(value: Any, names: Any, what: str) -> np.ndarray:
    """Return an embedding as a float32 array (n_cells, d), or say what is wrong with it."""
    value = value.toarray() if sparse.issparse(value) else np.asarray(value)
    if value.ndim != 2 or value.dtype.kind not in "fiub" or value.shape[1] == 0:
        raise InputError(
            f"{what} must be a matrix of numbers, one row a cell; "
            f"it has shape {value.shape} and type {value.dtype}"
        )
    if len(value) != len(names):
        raise InputError(f"{what} has {len(value)} rows for {len(names)} cells; make it again")
    require_finite(value, names, what)
    if len(value) > 1 and (value == value[0]).all():
        raise InputError(
            f"{what} is the same in all {len(value)} cells; give an embedding that differs "
            "between cells"
        )
    return value.astype(np.float32)


def _first_values(element: Any) -> np.ndarray:
    """The first values of a stored matrix, sparse or dense."""
    import h5py

    if isinstance(element, h5py.Group):
        return element["data"][:SAMPLED_COUNTS]
    rows = max(1, SAMPLED_COUNTS // max(1, element.shape[1]))
    return element[:rows].ravel()


def _row_of(element: Any, position: int) -> int:
    """Row of a stored value, by its position in what :func:`_first_values` returned."""
    import h5py

    if isinstance(element, h5py.Dataset):
        return position // element.shape[1]
    if "csc" in str(dict(element.attrs)):
        return int(element["indices"][position])
    return int(np.searchsorted(element["indptr"][:], position, side="right")) - 1


def ensembl_ids(file: CellsFile, config: OwnCells) -> tuple[pd.Index, str]:
    """Ensembl ids of the genes that are kept, or else their names, and where they were found."""
    from anndata.io import read_elem

    column = ensembl_column(config, columns_of(file.part["var"]))
    if column is None:
        return kept_genes(file), f"{config.path}: the names of var"
    ids = pd.Index(read_elem(file.part["var"][column])).astype(str)
    kept = ids if file.columns is None else ids[file.columns]
    return kept, f"{config.path}: var[{column!r}]"


def require_finite(scores: np.ndarray, names: Any, what: str) -> None:
    """Raise :class:`InputError` that names the first cell with NaN or an infinite value."""
    rows = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if rows.size:
        raise InputError(
            f"{what}: cell {str(names[rows[0]])!r} has NaN or an infinite value "
            f"({rows.size} such cells); repair the embedding or leave these cells out"
        )


def require_rows(valid: pd.Series, what: str, problem: str) -> None:
    """Raise :class:`InputError` that names the first cell at fault."""
    faulty = valid.index[~valid.to_numpy()]
    if len(faulty):
        raise InputError(
            f"{what} {str(faulty[0])!r} {problem} ({len(faulty)} such cells); "
            "repair it or leave these cells out"
        )
