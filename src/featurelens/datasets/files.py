"""Where the parts of a cells' file lie, and how to read no more of them than is wanted.

``.h5ad`` keeps all features of a cell in one matrix; a modality is then a subset of its columns.
``.h5mu`` (MuData) keeps one AnnData per modality below ``mod`` with its own ``obs`` and ``obsm``;
columns and embeddings of all modalities, such as a split, lie in the common ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.datasets.config import OwnCells
from featurelens.datasets.h5_faults import explain
from featurelens.datasets.plain import plain_index
from featurelens.io import InputError, require_unique_names

if TYPE_CHECKING:
    import h5py


ENSEMBL = re.compile(r"(ENS[A-Z]*G\d{11})(?:\.\d+)?", re.IGNORECASE)
"""An Ensembl gene id of any species, with or without its version."""
VALUES_AT_ONCE = 20_000_000
"""Stored values of a matrix that are read before columns are selected."""


@dataclass(frozen=True, eq=False)
class CellsFile:
    """An open file, by the parts that a reader wants."""

    path: str
    obs: h5py.Group
    """Columns of the cells, one row each, in the order that counts; see :meth:`column`."""
    names: pd.Index
    """Names of the cells, in that order."""
    part: h5py.Group
    """Group with X, layers, var, obsm and varm."""
    rows: np.ndarray | None
    """Rows of ``part`` that the cells are; None where they are all of them, in order."""
    columns: np.ndarray | None
    """Columns of ``part`` to keep; None keeps all."""

    @property
    def columns_of_cells(self) -> list[str]:
        """Names of the columns of the cells: the common ones, then the modality's own."""
        common = columns_of(self.obs)
        return common + [name for name in columns_of(self.part["obs"]) if name not in common]

    def column(self, name: str) -> pd.Series:
        """One column of the cells, (n_cells,), without names."""
        if name in columns_of(self.obs):
            return read_column(self.obs, name)
        own = read_column(self.part["obs"], name)
        return own if self.rows is None else own.iloc[self.rows].reset_index(drop=True)

    def table(self) -> pd.DataFrame:
        """All columns of the cells, (n_cells, n_columns), by their names."""
        columns = {name: self.column(name).array for name in self.columns_of_cells}
        return pd.DataFrame(columns, index=self.names)

    @property
    def obsm(self) -> dict[str, tuple[h5py.Group | h5py.Dataset, np.ndarray | None]]:
        """By key, each stored embedding and its rows that the cells are (None: all, in order).

        The modality's own come before those of all modalities; MuData also keeps there, by the
        name of each modality, which cells it has, and that is no embedding.
        """
        whole = self.obs.parent
        common = {
            key: (value, None)
            for key, value in whole.get("obsm", {}).items()
            if key not in whole.get("mod", {})
        }
        own = {key: (value, self.rows) for key, value in self.part.get("obsm", {}).items()}
        return common | own

    @property
    def genes(self) -> pd.Index:
        """Names of all features of ``part``, kept or not."""
        return names_of(self.part["var"])

    @property
    def row_names(self) -> pd.Index:
        """Names of the cells in the order of the rows of ``part``."""
        return self.names if self.rows is None else names_of(self.part["obs"])


@contextmanager
def open_h5(path: str | Path) -> Iterator[h5py.File]:
    """Open an HDF5 file that has obs and var.

    Raises
    ------
    InputError
        If it is missing, is not HDF5, or is of a form that anndata wrote long ago.
    """
    import h5py

    if not Path(path).exists():
        raise InputError(f"{path}: no such file; check the path in the config")
    try:
        handle = h5py.File(path)
    except OSError as error:
        raise InputError(f"{path}: {explain(path, error)}") from error
    with handle:
        for part in ("obs", "var"):
            require_key(part, handle, str(path))
            if isinstance(handle[part], h5py.Dataset):
                raise InputError(
                    f"{path}: was written by anndata before 0.7; read it with anndata.read_h5ad "
                    "and write it again"
                )
        yield handle


@contextmanager
def open_cells(config: OwnCells) -> Iterator[CellsFile]:
    """Open a user's file and find the modality that the config keeps.

    Raises
    ------
    InputError
        If the file cannot be read, cell names repeat, or the modality is not in it.
    """
    with open_h5(config.path) as handle:
        names = names_of(handle["obs"])
        require_unique_names(names, f"{config.path}: cell")
        part, rows, columns = handle, None, None
        if "mod" in handle:
            part = _modality_group(handle, config)
            rows = _rows_by_name(names, names_of(part["obs"]), config)
        elif config.modality is not None:
            columns = _modality_columns(handle, config)
        yield CellsFile(config.path, handle["obs"], names, part, rows, columns)


def require_key(key: str, available: Any, where: str, *, otherwise: str = "") -> None:
    """Raise :class:`InputError` with the nearest match, all that is there, and another way."""
    if key in available:
        return
    names = [str(name) for name in available]
    near = get_close_matches(key, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    there = ", ".join(names) if names else "nothing"
    other_way = f"; {otherwise}" if otherwise else ""
    raise InputError(f"{where} has no {key!r}; {hint}there is: {there}{other_way}")


def columns_of(frame: h5py.Group) -> list[str]:
    """Names of the columns of a stored table."""
    return [str(name) for name in frame.attrs["column-order"]]


def names_of(frame: h5py.Group) -> pd.Index:
    """Index of a stored table."""
    from anndata.io import read_elem

    return plain_index(pd.Index(read_elem(frame[frame.attrs["_index"]])))


def read_column(frame: h5py.Group, name: str) -> pd.Series:
    """One column of a stored table; anndata 0.7 kept the categories of all columns apart."""
    from anndata.io import read_elem

    stored = frame[name]
    categories = stored.attrs.get("categories")
    if categories is None:
        return pd.Series(read_elem(stored))
    kept = frame.file[categories]
    names = kept.asstr()[()] if kept.dtype.kind == "O" else kept[()]
    return pd.Series(pd.Categorical.from_codes(stored[()], categories=names))


def ensembl_column(config: OwnCells, columns: Sequence[str]) -> str | None:
    """Column of var with Ensembl ids: the one that the config names, or one of that very name."""
    if config.ensembl is not None:
        require_key(config.ensembl, columns, f"{config.path}: var")
        return config.ensembl
    return "ensembl" if "ensembl" in columns else None


def without_version(name: str) -> str | None:
    """Ensembl gene id without the version behind its dot; None if it is no such id.

    Examples
    --------
    >>> without_version("ENSG00000139618.17"), without_version("BRCA2")
    ('ENSG00000139618', None)
    """
    match = ENSEMBL.fullmatch(name)
    return match[1] if match else None


def are_ensembl(names: Sequence[str]) -> bool:
    """Whether most names are Ensembl gene ids."""
    return sum(without_version(str(name)) is not None for name in names) > len(names) / 2


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
    import h5py
    from anndata.io import read_elem, sparse_dataset

    if columns is None:
        matrix = sparse.csr_matrix(_in_single(read_elem(element)))
    elif isinstance(element, h5py.Group) and "csc" in str(dict(element.attrs)):
        matrix = sparse.csr_matrix(read_elem(element)[:, columns])
    else:
        stored = sparse_dataset(element) if isinstance(element, h5py.Group) else element
        n_stored = len(element["data"]) if isinstance(element, h5py.Group) else element.size
        n_rows = stored.shape[0]
        step = max(1, int(n_rows * VALUES_AT_ONCE / max(n_stored, 1)))
        matrix = sparse.vstack(
            [
                sparse.csr_matrix(_in_single(stored[start : start + step]))[:, columns]
                for start in range(0, n_rows, step)
            ],
            format="csr",
        )
    return sparse.csr_matrix(matrix if rows is None else matrix[rows])


def _in_single(values: Any) -> Any:
    """Half precision as single: no sparse matrix of scipy holds it."""
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _modality_group(handle: h5py.File, config: OwnCells) -> h5py.Group:
    there = ", ".join(handle["mod"])
    if config.modality is None:
        raise InputError(f"{config.path}: holds several modalities; set modality to one of {there}")
    require_key(config.modality, handle["mod"], f"{config.path}: mod")
    return handle["mod"][config.modality]


def _rows_by_name(names: pd.Index, own: pd.Index, config: OwnCells) -> np.ndarray | None:
    """Rows of a modality for the cells of the whole file, joined by name."""
    where = f"{config.path}: mod/{config.modality}"
    require_unique_names(own, f"{where}: cell")
    rows = own.get_indexer(names)
    if (rows < 0).any():
        missing = names[rows < 0]
        raise InputError(
            f"{where} has no cell {str(missing[0])!r} ({len(missing)} such cells); "
            "leave out the cells that lack a modality"
        )
    in_order = len(own) == len(names) and bool((rows == np.arange(len(names))).all())
    return None if in_order else rows


def _modality_columns(handle: h5py.File, config: OwnCells) -> np.ndarray:
    from anndata.io import read_elem

    require_key(config.modality_column, columns_of(handle["var"]), f"{config.path}: var")
    labels = pd.Series(read_elem(handle["var"][config.modality_column])).astype(str)
    require_key(
        str(config.modality),
        labels.unique().tolist(),
        f"{config.path}: var[{config.modality_column!r}]",
    )
    return np.flatnonzero(labels == config.modality)
