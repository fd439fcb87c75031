"""What is wrong with a file of cells that cannot be read, said in words a user can act on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from featurelens.io import InputError

if TYPE_CHECKING:
    import h5py

_STARTS = (
    (b"\x1f\x8b", "is compressed by gzip; unpack it with gunzip"),
    (b"version https://git-lfs", "is a pointer of Git LFS, not the file; fetch it: git lfs pull"),
    (b"PK", "is a zip archive; unpack it, or write the cells as .h5ad"),
    (b"<", "is a web page, not the file; download it again"),
)
"""First bytes of files that are often taken for an .h5ad, and what to do."""
_HDF5 = b"\x89HDF\r\n\x1a\n"


SHOWN = 5
"""Files of a folder that a message names."""


def is_zarr(path: Path) -> bool:
    """Whether a path is a folder that Zarr wrote, of version 2 or 3."""
    return any((path / name).exists() for name in (".zgroup", "zarr.json", ".zmetadata"))


def explain(path: str | Path, error: OSError) -> str:
    """Why a file cannot be opened, in words that follow its name."""
    if Path(path).is_dir():
        there = ", ".join(sorted(part.name for part in Path(path).iterdir())[:SHOWN]) or "nothing"
        return (
            "is a folder, but neither a Zarr store (.zgroup or zarr.json) nor one of 10x Genomics "
            f"(matrix.mtx, barcodes.tsv, features.tsv); it holds {there}"
        )
    with Path(path).open("rb") as file:
        start = file.read(64)
    if not start:
        return "is empty; write or download it again"
    for first, meaning in _STARTS:
        if start.startswith(first):
            return meaning
    if "unable to lock" in str(error):
        return "is open in another program that writes to it; close it there and try again"
    if start.startswith(_HDF5):
        return f"cannot be read as .h5ad (cut off or damaged: {error}); is it complete?"
    return f"cannot be read as .h5ad ({error}); is it complete?"


def require_filters(element: h5py.Group | h5py.Dataset, where: str) -> None:
    """Raise an InputError where values are compressed by a filter that is not installed."""
    import h5py

    if isinstance(element, h5py.Group):
        parts = dict(element.items())
        for name, part in parts.items():
            require_filters(part, f"{where}/{name}")
    if not isinstance(element, h5py.Dataset):
        return
    made = element.id.get_create_plist()
    for place in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(place)
        if not h5py.h5z.filter_avail(code):
            raise InputError(
                f"{where} is compressed by {name.decode() or code}, which HDF5 lacks here; "
                "pip install hdf5plugin and write the file again with gzip or without compression"
            )
