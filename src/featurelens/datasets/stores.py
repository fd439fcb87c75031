"""Files and folders that hold cells, opened as one tree of named parts whatever their form.

AnnData's ``.h5ad`` and MuData's ``.h5mu`` are HDF5, ``.zarr`` is a folder of the same parts, and
what Cell Ranger writes (:mod:`featurelens.datasets.tenx`) is laid out as if it were one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from featurelens.datasets.h5_faults import explain, is_zarr
from featurelens.datasets.tenx import MatrixMarket, as_anndata, is_tenx, is_tenx_folder, open_folder
from featurelens.io import InputError

if TYPE_CHECKING:
    import h5py


class Store(NamedTuple):
    """What holds cells, open."""

    form: str
    """What it is, in words."""
    root: Any
    """Group of HDF5 or Zarr with obs, var and what else there is."""
    x: MatrixMarket | None = None
    """The matrix, where it is a text that no group can hold."""


@contextmanager
def open_store(path: str | Path) -> Iterator[Store]:
    """Open cells of any form.

    Raises
    ------
    InputError
        If there is nothing, or nothing that holds cells; or a part of a Zarr store is missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path in the config")
    if is_zarr(path):
        with _zarr(path) as store:
            yield store
    elif is_tenx_folder(path):
        with open_folder(path) as (root, matrix):
            yield Store("a folder of 10x Genomics", root, matrix)
    else:
        with _hdf5(path) as store:
            yield store


def is_group(element: Any) -> bool:
    """Whether a part of a store has parts of its own, as sparse matrices and tables do."""
    return hasattr(element, "keys")


def parts_of(group: Any, name: str) -> dict[str, Any]:
    """Parts of a part by their names; none where it is absent, or no group."""
    part = group.get(name)
    return {str(key): part[key] for key in part} if is_group(part) else {}


@contextmanager
def _named(path: Path, form: str) -> Iterator[None]:
    """Name the store in whatever is raised while parts of it are read: none is as it should be."""
    try:
        yield
    except MemoryError:
        raise
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from error
    except Exception as error:  # of a kind for each library; anndata's own is a plain Exception
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path}: cannot be read as {form} ({_part_of(error)}{line}); is it complete?"
        ) from error


_NOTE = re.compile(r"key '(.*)' of .* from /?(.*)")


def _part_of(error: Exception) -> str:
    """The part that anndata was reading, as it notes it; "" where it notes none."""
    notes = map(_NOTE.search, getattr(error, "__notes__", []))
    return next((f"{note[2]}/{note[1]}: ".lstrip("/") for note in notes if note), "")


@contextmanager
def _hdf5(path: Path) -> Iterator[Store]:
    import h5py

    try:
        handle = h5py.File(path)
    except OSError as error:
        raise InputError(f"{path}: {explain(path, error)}") from error
    with handle, _named(path, path.suffix or "HDF5"):
        if is_tenx(handle):
            with as_anndata(handle, path) as root:
                yield Store("a file of 10x Genomics", root)
            return
        _require_tables(handle, path)
        yield Store("a .h5mu file" if "mod" in handle else "an .h5ad file", handle)


@contextmanager
def _zarr(path: Path) -> Iterator[Store]:
    import zarr

    with _named(path, ".zarr"):
        root = zarr.open_group(path, mode="r", use_consolidated=False)
        _require_tables(root, path)
        yield Store("a Zarr store", root)


def _require_tables(root: h5py.File, path: Path) -> None:
    """Raise :class:`InputError` unless there are tables of cells and of genes."""
    for part in ("obs", "var"):
        if part not in root:
            there = ", ".join(map(str, root)) or "nothing"
            raise InputError(
                f"{path}: has no {part!r}, nor the matrix of a file of 10x Genomics; "
                f"there is: {there}"
            )
        if not is_group(root[part]):
            raise InputError(
                f"{path}: was written by anndata before 0.7; read it with anndata.read_h5ad "
                "and write it again"
            )
