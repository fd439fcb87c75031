"""Files in and out: atomic writes, tables, AnnData, and errors that name the file.

Nothing here knows biology. Readers add the file to every error they let through, writers never
leave half a file behind under its final name. Heavy libraries are imported where they are used,
because the workflow imports this module while it plans.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import anndata
    import numpy as np
    import pandas as pd


_HOST = re.sub(r"\W", "-", os.uname().nodename)


class InputError(ValueError):
    """Something the user gave is wrong; the message is one line that says what and what to do.

    Several messages have a line each. What cannot be printed is shown by its escape, and a very
    long line without its middle: no damaged file breaks a line, fills or commands a terminal.
    """

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(map(_in_one_line, messages)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(str(self).split("\n"))


def _in_one_line(message: str) -> str:
    message = message if len(message) < 4000 else f"{message[:3000]} ... {message[-900:]}"
    if message.isprintable():
        return message
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in message)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it into place only when the block succeeds."""
    path = Path(path)
    temporary = temporary_beside(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> Path:
    """A hidden name beside what is to be made, of the same suffix: writers choose a format by it.

    What killed processes of this machine left under such names of the same file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    start, end = f".{path.stem}.{_HOST}.", path.suffix
    for left in path.parent.glob(f"{escape(start)}*{escape(end)}"):
        process = left.name.removeprefix(start).removesuffix(end)
        if process.isdigit() and not _is_running(int(process)):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f"{start}{os.getpid()}{end}")


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table without its index, as Parquet or TSV by suffix."""
    path = Path(path)
    with atomic_path(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        elif path.suffix == ".tsv":
            table.to_csv(temporary, sep="\t", index=False)
        else:
            raise ValueError(f"{path}: a table is written as .parquet or .tsv")


def write_tables(
    tables: Iterable[pd.DataFrame], path: str | Path, *, repeated: Sequence[str] | None = None
) -> None:
    """Write tables of the same columns one after another, each a row group of one Parquet file.

    At least one table, which may be empty. Memory is that of one of them. ``repeated`` names the
    columns whose values repeat, which are kept as numbers into a list; all are tried by default.
    """
    import pyarrow as pa
    from pyarrow import parquet

    with atomic_path(path) as temporary:
        writer = None
        try:
            for table in tables:
                rows = pa.Table.from_pandas(table, preserve_index=False)
                writer = writer or parquet.ParquetWriter(
                    temporary, rows.schema, use_dictionary=True if repeated is None else repeated
                )
                writer.write_table(rows, row_group_size=max(len(rows), 1))
        finally:
            if writer is not None:
                writer.close()


def read_table(path: str | Path) -> pd.DataFrame:
    """Read what :func:`write_table` wrote.

    Arrow opens a Parquet file itself and reads it without a scan. ``pandas.read_parquet`` scans,
    and through a file object of Python's: a thread of the scan that still holds it while the
    process exits aborts the process, all work done (apache/arrow issues 34314 and 39862).
    """
    import pandas as pd

    path = Path(path)
    if path.suffix == ".parquet":
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            return file.read().to_pandas()
    if path.suffix == ".tsv":
        return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])
    raise ValueError(f"{path}: a table is read from .parquet or .tsv")


def read_tables(names: Sequence[str], paths: Sequence[str | Path]) -> dict[str, pd.DataFrame]:
    """Read one table for each name."""
    return {name: read_table(path) for name, path in zip(names, paths, strict=True)}


def read_file(path: str | Path) -> Any:
    """Read a file of this run by its suffix: a table, cells or features, or a JSON object."""
    readers = {".h5ad": read_anndata, ".json": read_json}
    return readers.get(Path(path).suffix, read_table)(path)


def in_folder(read: Callable[[Path], Any]) -> Callable[[Sequence[str]], Any]:
    """A reader of several files in one folder, by a function that reads the folder."""
    return lambda paths: read(Path(paths[0]).parent)


def read_inputs(
    files: Any, names: Mapping[str, Sequence[str] | None], *, prefix: str = ""
) -> dict[str, Any]:
    """What a figure or a table is made from, read, by the keys of its ``INPUTS``.

    Parameters
    ----------
    files
        Has the path or paths of each key as an attribute, as the inputs of a job do.
    names
        Of the files behind each key, in order, or None for a single one: a mapping by these names
        comes out, or what is in the file.
    prefix
        Stands before the keys in ``files``.
    """
    paths = {key: getattr(files, f"{prefix}{key}") for key in names}
    return {
        key: read_file(paths[key])
        if among is None
        else {name: read_file(path) for name, path in zip(among, paths[key], strict=True)}
        for key, among in names.items()
    }


def write_file(content: Any, path: str | Path) -> None:
    """Write a file of this run by its suffix: cells or features, a JSON object, or a table."""
    writers = {".h5ad": write_anndata, ".json": write_json}
    writers.get(Path(path).suffix, write_table)(content, path)


def write_text(text: str, path: str | Path) -> None:
    """Write a text as it is."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def write_json(content: Mapping[str, Any], path: str | Path) -> None:
    """Write a JSON object, indented, keys in the order given."""
    write_text(json.dumps(content, indent=2) + "\n", path)


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object."""
    return json.loads(Path(path).read_text())


def write_anndata(adata: anndata.AnnData, path: str | Path) -> None:
    """Write an ``.h5ad`` file atomically, compressed."""
    with atomic_path(path) as temporary:
        adata.write_h5ad(temporary, compression="gzip")


def read_anndata(path: str | Path, *, read: Any = None) -> anndata.AnnData:
    """Read an ``.h5ad`` file, by ``anndata.read_h5ad`` or as ``read`` does.

    Raises
    ------
    InputError
        If the file is missing, is not HDF5, or its cell names repeat.
    """
    import anndata

    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path in the config")
    try:
        adata = (read or anndata.read_h5ad)(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as .h5ad ({error}); is it complete?") from error
    require_unique_names(adata.obs_names, f"{path}: cell")
    return adata


def read_obsm(path: str | Path, key: str = "X_emb") -> np.ndarray:
    """Read one matrix of ``obsm`` of an ``.h5ad`` file of this run, and nothing else of it.

    The counts of a large data set take gigabytes, of which who trains on its embedding needs none.
    """
    import h5py
    import numpy as np

    with h5py.File(path) as file:
        matrix = file["obsm"][key]
        if isinstance(matrix, h5py.Dataset):  # AnnData takes longer to import than to train on it
            return np.asarray(matrix)
        from anndata.io import read_elem

        return np.asarray(read_elem(matrix))


def require_unique_names(names: pd.Index, what: str) -> None:
    """Raise :class:`InputError` that shows the first repeated name."""
    if not names.is_unique:
        repeated = names[names.duplicated()][0]
        count = int(names.duplicated().sum())
        raise InputError(
            f"{what} name {str(repeated)!r} occurs more than once ({count} repeats in all); "
            "make the names unique, for example with adata.obs_names_make_unique()"
        )


def require_same_names(left: pd.Index, right: pd.Index, left_file: str, right_file: str) -> None:
    """Raise :class:`InputError` unless both files name the same cells in the same order."""
    import numpy as np

    if len(left) != len(right):
        raise InputError(
            f"{left_file} has {len(left)} cells and {right_file} {len(right)}; "
            "make both from the same cells"
        )
    different = np.flatnonzero(np.asarray(left) != np.asarray(right))
    if different.size:
        row = int(different[0])
        raise InputError(
            f"{left_file} and {right_file} differ at row {row}: "
            f"cell {str(left[row])!r} against {str(right[row])!r}; make both from the same cells"
        )


def sha256_file(path: str | Path) -> str:
    """Hex digest of a file's bytes; of a folder, of the names and digests of all files below it."""
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        named = (f"{file.relative_to(path)} {sha256_file(file)}\n" for file in files)
        return hashlib.sha256("".join(named).encode()).hexdigest()
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_array(array: np.ndarray) -> str:
    """Hex digest of an array's dtype, shape and C-ordered bytes."""
    import numpy as np

    array = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(array.data)
    return digest.hexdigest()
