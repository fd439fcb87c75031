"""Checks of a user's file, quick enough to make before anything is computed.

They read only what they judge: names, keys, the first counts, one embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.config import RAW, DatasetConfig, OwnCells, X
from featurelens.datasets.files import CellsFile, ensembl_column, open_cells, require_key
from featurelens.datasets.found import ELSEWHERE, NEARLY, remedy_for
from featurelens.datasets.h5_faults import require_filters
from featurelens.datasets.labels import require_cell_types, require_labels
from featurelens.datasets.stored import (
    VALUES_AT_ONCE,
    first_values,
    is_matrix,
    require_chunks,
    row_of,
)
from featurelens.datasets.stores import is_group, parts_of
from featurelens.datasets.tenx import MatrixMarket
from featurelens.io import InputError

COUNTS_IN_X = "where X holds the counts, leave counts_layer out"
"""What else there is to do where a layer is missing."""
MOST = np.iinfo(np.int32).max
"""Largest count; later stages keep counts as int32."""
REMEDIES = {
    "is not finite": "",
    "is negative": "",
    "is no integer": "",
    "is nearly an integer": "if these are counts whose logarithms were undone, round them with "
    "numpy.rint",
    "is more than a count can be": "are these counts of molecules?",
}
"""What makes values no counts, and what to do; "" is for the caller to say."""


def check_dataset(
    config: DatasetConfig, *, cell_types: Sequence[str] = (), columns: Sequence[str] = ()
) -> None:
    """Look for the mistakes that can be seen in milliseconds.

    Of a file: that it exists and can be opened, that names of cells and genes are unique, that the
    named columns (and further ``columns``) and layers exist, that every cell has a label and a
    batch, that some cell is of each type in ``cell_types``, and that the first counts are integers
    from zero.

    Raises
    ------
    InputError
        With one line that names the file and the key.
    """
    if not isinstance(config, OwnCells):
        return
    with open_cells(config) as file:
        config, names = file.config, file.names
        require_unique_genes(kept_genes(file), config.path)
        for column in (config.cell_type, config.batch, config.library, *columns):
            if column:
                require_key(column, file.columns_of_cells, f"{config.path}: obs")
        for column in (config.cell_type, config.batch):
            if column:
                labels = file.column(column)
                require_labels(labels, names, column, config.path)
        if cell_types:
            labels = file.column(str(config.cell_type))
            require_cell_types(labels, cell_types, f"{config.path}: obs[{config.cell_type!r}]")
        in_var = [str(name) for name in file.table_of_genes()]
        if config.symbol is not None:
            require_key(config.symbol, in_var, f"{config.path}: var")
        ensembl_column(config, in_var)
        if config.only:
            chosen_cells(file.table(), config)
        _require_counts_in_file(file)


def _require_counts_in_file(file: CellsFile) -> None:
    """Raise :class:`InputError` unless the first counts are some, and all are there."""
    config, matrix = file.config, counts_of(file)
    if not is_matrix(matrix):
        raise InputError(f"{config.path}: {config.counts} is no matrix of numbers, cells x genes")
    names = file.row_names
    require_counts(
        first_values(matrix),
        f"{config.path}: {config.counts}",
        lambda position: names[row_of(matrix, position)],
        remedy=remedy_for(file.samples, str(config.counts_layer)),
    )
    if isinstance(matrix, MatrixMarket):
        matrix.require_complete()


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


def counts_of(file: CellsFile) -> Any:
    """Stored matrix of the counts, not read yet; raises :class:`InputError` if it is missing."""
    config, layers = file.config, parts_of(file.part, "layers")
    place = config.counts_layer or X
    if place not in file.places:
        if place not in (X, RAW):
            where = f"{config.path}: layers"
            require_key(place, layers, where, otherwise=COUNTS_IN_X)
        raise InputError(no_expression(config, layers))
    element = file.places[place]
    where = f"{config.path}: {config.counts}"
    if is_group(element):
        require_chunks(element, where)
    require_filters(element, where)
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


def require_unique_genes(names: pd.Index, path: str | Path) -> None:
    """Raise :class:`InputError` that shows the first gene name that occurs twice."""
    if not names.is_unique:
        repeated = str(names[names.duplicated()][0])
        raise InputError(
            f"{path}: gene name {repeated!r} occurs more than once; make the names unique with "
            "adata.var_names_make_unique(), or use identifiers as names and give a symbol column"
        )


def require_counts(
    values: np.ndarray, where: str, cell_of: Callable[[int], str], *, remedy: str = ELSEWHERE
) -> None:
    """Raise :class:`InputError` with the first value that is no non-negative integer.

    Parameters
    ----------
    values
        Stored values of a matrix, flat.
    where
        File and place, for the message.
    cell_of
        Name of the cell that a position in ``values`` belongs to.
    remedy
        What to do where these are no counts at all.
    """
    if values.dtype.kind == "b" or (values.dtype.kind == "u" and values.dtype.itemsize < 4):
        return
    first: dict[str, int] = {}
    for start in range(0, len(values), VALUES_AT_ONCE):
        for problem, bad in _no_counts(values[start : start + VALUES_AT_ONCE]).items():
            if problem not in first and bad.any():
                first[problem] = start + int(np.flatnonzero(bad)[0])
    for problem, way in REMEDIES.items():
        if problem in first:
            position = first[problem]
            digits = 10 if way else 6
            raise InputError(
                f"{where} must hold raw counts, but {values[position].item():.{digits}g} in cell "
                f"{str(cell_of(position))!r} {problem}; {way or remedy}"
            )


def _no_counts(values: np.ndarray) -> dict[str, np.ndarray]:
    """Which values are no counts, by what is wrong with them, in the order of ``REMEDIES``."""
    wide = values.astype(np.float64) if values.dtype.kind == "f" else values
    nearest = np.round(wide)
    with np.errstate(invalid="ignore"):  # infinite values, which are told of by themselves
        beside = np.abs(wide - nearest)
    bad = (
        ~np.isfinite(wide),
        wide < 0,
        beside > NEARLY,
        wide != nearest,
        wide > MOST,
    )
    return dict(zip(REMEDIES, bad, strict=True))


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
    with np.errstate(over="ignore"):  # beyond single precision is infinite, and said to be
        value = value.astype(np.float32)
    require_finite(value, names, what)
    if len(value) > 1 and (value == value[0]).all():
        raise InputError(
            f"{what} is the same in all {len(value)} cells; give an embedding that differs "
            "between cells"
        )
    return value


def ensembl_ids(file: CellsFile) -> tuple[pd.Index, str]:
    """Ensembl ids of the genes that are kept, or else their names, and where they were found."""
    var = file.table_of_genes()
    column = ensembl_column(file.config, [str(name) for name in var])
    if column is None:
        return kept_genes(file), f"{file.path}: the names of var"
    ids = pd.Index(var[column]).astype(str)
    kept = ids if file.columns is None else ids[file.columns]
    return kept, f"{file.path}: var[{column!r}]"


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
