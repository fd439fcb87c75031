"""What Cell Ranger writes, ``.h5`` files and folders of text, laid out as AnnData does.

Its matrices are genes x cells by column, which is cells x genes by row: an ``.h5`` is not read, its
arrays are linked. Genes are named by their id, because symbols repeat; a column holds the symbols.
"""

from __future__ import annotations

import gzip
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.io import InputError

if TYPE_CHECKING:
    import h5py

EXPRESSION = "Gene Expression"
"""Type of the features that are genes."""
TYPE_COLUMN = "feature_type"
ROLES = {
    "matrix": ("matrix.mtx",),
    "barcodes": ("barcodes.tsv",),
    "features": ("features.tsv", "genes.tsv"),
}
"""Names of the three files of a folder, as they end; each may be gzipped."""
_CUT_OFF = (EOFError, OSError, UnicodeDecodeError, zlib.error)
_CHUNK = 2**24


def is_tenx(handle: h5py.File) -> bool:
    """Whether an HDF5 file was written by Cell Ranger, of version 3 on or before."""
    return "obs" not in handle and bool(_matrices(handle))


def _matrices(handle: h5py.File) -> list[str]:
    """Groups that hold a matrix: one, or in files before version 3 one a genome."""
    groups = (name for name in handle if hasattr(handle[name], "keys"))
    return [name for name in groups if "barcodes" in handle[name] and "indptr" in handle[name]]


@contextmanager
def as_anndata(handle: h5py.File, path: Path) -> Iterator[h5py.File]:
    """A file with obs, var and X, whose X links to the arrays of the file given.

    It is a temporary one, because what HDF5 may write links only to what it may write.

    Raises
    ------
    InputError
        If the file holds matrices of several genomes, or parts of one are missing.
    """
    import h5py

    names = _matrices(handle)
    if len(names) > 1:
        raise InputError(
            f"{path}: holds the genomes {', '.join(names)}, each with a matrix of its own; write "
            "the one that is meant as .h5ad"
        )
    [name] = names
    try:
        group = handle[name]
        n_genes, n_cells = (int(size) for size in group["shape"][:2])
        cells, genes = _texts(group["barcodes"]), _features(group)
    except KeyError as error:
        raise InputError(
            f"{path}: {name} is incomplete ({error.args[0]}); is it cut off?"
        ) from error
    _require_sizes(path, (len(cells), len(genes)), (n_cells, n_genes))
    with TemporaryDirectory(prefix="featurelens-") as folder:
        place = Path(folder, "cells.h5ad")
        with h5py.File(place, "w") as made:
            _write_tables(made, cells, genes)
            _link_matrix(made, path, name, (n_cells, n_genes))
        with h5py.File(place) as root:
            yield root


def _link_matrix(made: h5py.File, path: Path, name: str, shape: tuple[int, int]) -> None:
    import h5py

    x = made.create_group("X")
    attributes = {"encoding-type": "csr_matrix", "encoding-version": "0.1.0"}
    x.attrs.update(attributes | {"shape": list(shape)})
    for part in ("data", "indices", "indptr"):
        x[part] = h5py.ExternalLink(str(path.absolute()), f"/{name}/{part}")


def _features(group: h5py.Group) -> pd.DataFrame:
    """Genes of a matrix by their id: symbol, feature_type and genome where they are known."""
    if "features" not in group:  # before version 3
        table = {"symbol": _texts(group["gene_names"])}
        return pd.DataFrame(table, index=_texts(group["genes"]))
    features = group["features"]
    table = {"symbol": _texts(features["name"])}
    table |= {name: _texts(features[name]) for name in (TYPE_COLUMN, "genome") if name in features}
    return pd.DataFrame(table, index=_texts(features["id"]))


def _texts(stored: h5py.Dataset) -> np.ndarray:
    return np.array(stored.asstr()[()], dtype=object)


def _write_tables(made: h5py.File, cells: Any, genes: pd.DataFrame) -> None:
    from anndata.io import write_elem

    write_elem(made, "obs", pd.DataFrame(index=pd.Index(cells, dtype=object)))
    write_elem(made, "var", genes)


def _require_sizes(path: Path, named: tuple[int, int], held: tuple[int, int]) -> None:
    if named != held:
        raise InputError(
            f"{path}: names {named[0]} cells and {named[1]} genes, but the matrix has {held[0]} "
            f"and {held[1]}; take the three from the same output of Cell Ranger"
        )


def is_tenx_folder(path: Path) -> bool:
    """Whether a folder has a matrix of Cell Ranger's."""
    return path.is_dir() and bool(_files(path, "matrix"))


@contextmanager
def open_folder(path: Path) -> Iterator[tuple[h5py.File, MatrixMarket]]:
    """A folder of three text files: tables in the form of AnnData, and the matrix.

    Raises
    ------
    InputError
        If one of the files is missing, there several times, cut off or of another size.
    """
    import h5py

    files = {role: _one(path, role) for role in ROLES}
    cells = [line.split("\t")[0] for line in _lines(files["barcodes"])]
    genes = _gene_lines(files["features"])
    matrix = MatrixMarket.of(files["matrix"])
    _require_sizes(path, (len(cells), len(genes)), matrix.shape)
    with h5py.File(uuid.uuid4().hex, "w", driver="core", backing_store=False) as made:
        _write_tables(made, cells, genes)
        yield made, matrix


def _files(folder: Path, role: str) -> list[Path]:
    ends = tuple(end + gz for end in ROLES[role] for gz in ("", ".gz"))
    return sorted(file for file in folder.iterdir() if file.name.endswith(ends))


def _one(folder: Path, role: str) -> Path:
    found = _files(folder, role)
    if len(found) != 1:
        there = ", ".join(sorted(file.name for file in folder.iterdir()))
        wanted = " or ".join(ROLES[role])
        count = "no" if not found else f"{len(found)} times a"
        raise InputError(f"{folder}: has {count} {wanted} (or .gz of it); there is: {there}")
    return found[0]


def _gene_lines(path: Path) -> pd.DataFrame:
    """Id, symbol and type of each gene; version 2 has no type."""
    rows = [line.split("\t") for line in _lines(path)]
    width = min(map(len, rows), default=0)
    if width < 2:
        raise InputError(f"{path}: must hold id and symbol of a gene in each line, behind tabs")
    table = {"symbol": [row[1] for row in rows]}
    if width > 2:
        table[TYPE_COLUMN] = [row[2] for row in rows]
    return pd.DataFrame(table, index=pd.Index([row[0] for row in rows], dtype=object))


def _open(path: Path) -> Any:
    """The bytes of a file, unpacked."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _lines(path: Path) -> list[str]:
    """Lines of a file, each with a name; a form feed or the like within a name ends none."""
    try:
        with TextIOWrapper(_open(path), encoding="utf-8-sig") as file:
            lines = file.read().removesuffix("\n").split("\n")
    except _CUT_OFF as error:
        raise InputError(f"{path}: cannot be read ({error}); is it complete?") from error
    for number, line in enumerate(lines, start=1):
        if not line.partition("\t")[0].strip() or "\0" in line:
            raise InputError(
                f"{path}: line {number} has no name, or what is no text; is the file complete?"
            )
    return lines


@dataclass(frozen=True)
class MatrixMarket:
    """A matrix in text, genes x cells, one line a value; seen as cells x genes."""

    path: Path
    shape: tuple[int, int]
    """Cells and genes."""
    n_stored: int
    """Values that the head of the file promises."""
    n_before: int
    """Lines before the first value."""

    @classmethod
    def of(cls, path: Path) -> MatrixMarket:
        """The same of a file, of which the first lines are read.

        Raises
        ------
        InputError
            If they are no head of a matrix of numbers by coordinates.
        """
        try:
            with _open(path) as file:
                first = file.readline().decode("latin-1")
                n_before, line = 2, file.readline()
                while line.startswith(b"%"):
                    n_before, line = n_before + 1, file.readline()
            genes, cells, n_stored = map(int, line.split())
        except (*_CUT_OFF, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read as .mtx ({error}); is it complete?"
            ) from error
        if not first.startswith("%%MatrixMarket matrix coordinate") or "general" not in first:
            raise InputError(f"{path}: is no matrix by coordinates: {first.strip()[:60]!r}")
        return cls(path, (cells, genes), n_stored, n_before)

    def first(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The first values and their cells, (n,) each."""
        try:
            with _open(self.path) as file:
                lines = list(islice(file, self.n_before, self.n_before + count))
            triples = np.loadtxt(lines, ndmin=2) if lines else np.empty((0, 3))
        except (*_CUT_OFF, ValueError) as error:
            raise InputError(f"{self.path}: cannot be read ({error}); is it complete?") from error
        if triples.shape[1] != 3:
            raise InputError(
                f"{self.path}: has {triples.shape[1]} numbers a line, not gene, cell and count; "
                "take the matrix from the output of Cell Ranger"
            )
        return triples[:, 2], triples[:, 1].astype(np.int64) - 1

    def require_complete(self) -> None:
        """Raise :class:`InputError` unless the file has all the values that its head promises."""
        n_lines, last = 0, b"\n"
        try:
            with _open(self.path) as file:
                while block := file.read(_CHUNK):
                    n_lines, last = n_lines + block.count(b"\n"), block[-1:]
        except _CUT_OFF as error:
            raise InputError(f"{self.path}: cannot be read ({error}); is it complete?") from error
        found = n_lines + (last != b"\n") - self.n_before
        if found != self.n_stored:
            raise InputError(
                f"{self.path}: holds {found} values of the {self.n_stored} that its head promises; "
                "is it complete?"
            )

    def read(self) -> sparse.csr_matrix:
        """All of it, cells x genes."""
        from scipy.io import mmread

        try:
            return sparse.csr_matrix(mmread(self.path).T)
        except (*_CUT_OFF, ValueError) as error:
            raise InputError(f"{self.path}: cannot be read ({error}); is it complete?") from error
