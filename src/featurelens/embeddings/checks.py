"""Checks of a user's file, quick enough to make before anything is computed.

They read with h5py only what they judge: names, keys, the first counts, one embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.embeddings.bundle import require_finite
from featurelens.embeddings.config import DatasetConfig, ModelConfig, OwnCells, PrecomputedModel
from featurelens.io import InputError, require_unique_names

if TYPE_CHECKING:
    import h5py

SAMPLED_COUNTS = 200_000


def check_dataset(config: DatasetConfig, *, cell_types: Sequence[str] = ()) -> None:
    """Look for the mistakes that can be seen in milliseconds.

    Of a file: that it exists and is HDF5, that names of cells and genes are unique, that the named
    columns and layers exist, that some cell is of each type in ``cell_types``, and that the first
    counts are non-negative integers.

    Raises
    ------
    InputError
        With one line that names the file and the key.
    """
    from anndata.io import read_elem

    if not isinstance(config, OwnCells):
        return
    with _open(config.path) as handle:
        names = _check_cell_names(handle, config.path)
        require_unique_genes(_names(handle["var"]), config.path)
        for column in (config.cell_type, config.batch, config.library):
            if column is not None:
                require_key(column, _columns(handle["obs"]), f"{config.path}: obs")
        if cell_types:
            labels = pd.Series(read_elem(handle["obs"][config.cell_type]))
            require_cell_types(labels, cell_types, f"{config.path}: obs[{config.cell_type!r}]")
        if config.symbol is not None:
            require_key(config.symbol, _columns(handle["var"]), f"{config.path}: var")
        group, key, where = handle, "X", config.path
        if config.counts_layer is not None:
            key, where = config.counts_layer, f"{config.path}: layers"
            group = handle.get("layers", {})
        require_key(key, group, where)
        matrix = group[key]
        require_counts(
            _first_values(matrix),
            f"{config.path}: {config.counts}",
            lambda position: names[_row_of(matrix, position)],
        )


def check_embedding_key(path: str | Path, key: str) -> None:
    """Check an embedding in a file, reading the cell names and that one matrix alone.

    Raises
    ------
    InputError
        If the file or the key is missing, cell names repeat, or the embedding is no matrix of
        finite numbers; the first cell at fault is named.
    """
    from anndata.io import read_elem

    with _open(path) as handle:
        names = _check_cell_names(handle, path)
        require_key(key, handle.get("obsm", {}), f"{path}: obsm")
        require_matrix(read_elem(handle["obsm"][key]), names, f"{path}: obsm[{key!r}]")


def check_model(dataset: DatasetConfig, model: ModelConfig) -> None:
    """Check what a model needs of a dataset before anything is computed.

    Raises
    ------
    InputError
        As :func:`check_embedding_key`, for a precomputed embedding.
    """
    if not isinstance(model, PrecomputedModel):
        return
    if not isinstance(dataset, OwnCells):
        raise InputError(
            f"{dataset.kind} brings no embedding of its own; use a model of kind pca or poisson_nmf"
        )
    check_embedding_key(dataset.path, model.key)
    if model.factors is not None:
        with _open(dataset.path) as handle:
            require_key(model.factors, handle.get("varm", {}), f"{dataset.path}: varm")


def require_key(key: str, available: Any, where: str) -> None:
    """Raise :class:`InputError` with the nearest match and all that is there instead."""
    if key in available:
        return
    names = [str(name) for name in available]
    near = get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    there = ", ".join(names) if names else "nothing"
    raise InputError(f"{where} has no {key!r}; {hint}there is: {there}")


def require_unique_genes(names: pd.Index, path: str | Path) -> None:
    """Raise :class:`InputError` that shows the first gene name that occurs twice."""
    if not names.is_unique:
        repeated = str(names[names.duplicated()][0])
        raise InputError(
            f"{path}: gene name {repeated!r} occurs more than once; make the names unique with "
            "adata.var_names_make_unique(), or use identifiers as names and give a symbol column"
        )


def require_cell_types(labels: pd.Series, wanted: Sequence[str], where: str) -> None:
    """Raise :class:`InputError` unless some cell is of each of the types in ``wanted``."""
    there = sorted(labels.dropna().astype(str).unique())
    for name in wanted:
        require_key(name, there, where)


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
    if values.dtype.kind in "ub":
        return
    for problem, bad in (
        ("is not finite", ~np.isfinite(values)),
        ("is negative", values < 0),
        ("is no integer", values != np.round(values)),
    ):
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise InputError(
                f"{where} must hold raw counts, but {values[first]:g} in cell "
                f"{str(cell_of(first))!r} {problem}; name the layer with the counts as counts_layer"
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
    return value.astype(np.float32)


@contextmanager
def _open(path: str | Path) -> Iterator[h5py.File]:
    import h5py

    if not Path(path).exists():
        raise InputError(f"{path}: no such file; check the path in the config")
    try:
        handle = h5py.File(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as .h5ad ({error}); is it complete?") from error
    with handle:
        for part in ("obs", "var"):
            require_key(part, handle, str(path))
            if isinstance(handle[part], h5py.Dataset):
                raise InputError(
                    f"{path}: was written by anndata before 0.7; read it with anndata.read_h5ad "
                    "and write it again"
                )
        yield handle


def _columns(group: h5py.Group) -> list[str]:
    return [str(name) for name in group.attrs["column-order"]]


def _names(frame: h5py.Group) -> pd.Index:
    from anndata.io import read_elem

    return pd.Index(read_elem(frame[frame.attrs["_index"]]))


def _check_cell_names(handle: h5py.File, path: str | Path) -> pd.Index:
    names = _names(handle["obs"])
    require_unique_names(names, f"{path}: cell")
    return names


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
