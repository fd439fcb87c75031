"""What one job makes: several tables, of which each is read, computed and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from featurelens.io import read_file, write_table
from featurelens.plugins import load


def make_tables(
    tables: Mapping[str, Mapping[str, Any]],
    files: Any,
    outputs: Any,
    *,
    log: Callable[[str], None],
) -> None:
    """Make the tables of a job; a file that several of them read is read once, to be left as it is.

    Parameters
    ----------
    tables
        Name of a module of :mod:`featurelens.tables` to ``names`` (of the files behind each of its
        ``INPUTS``, or None for a single one), ``params`` and ``outputs`` (names of its tables, in
        the order in which it returns them). A module may say how its inputs are read: ``READERS``
        maps their keys to functions of a path.
    files, outputs
        Have paths as attributes: ``<module>_<key>`` of the inputs, and the name of each table.
    log
        Takes one line a table.
    """
    read = cache(lambda reader, path: reader(path))
    for name, table in tables.items():
        module = load("featurelens.tables", name)
        readers = getattr(module, "READERS", {})
        inputs = {
            key: _read_all(
                partial(read, readers.get(key, read_file)),
                getattr(files, f"{name}_{key}"),
                among,
            )
            for key, among in table["names"].items()
        }
        made = module.tabulate(**inputs, **table["params"])
        several = made if isinstance(made, tuple) else (made,)
        for output, content in zip(table["outputs"], several, strict=True):
            write_table(content, Path(getattr(outputs, output)))
            log(f"{output}: {len(content)} rows")


def _read_all(read: Callable[[str], Any], paths: Any, among: list[str] | None) -> Any:
    """What is in a file, or in each of several by the names given."""
    if among is None:
        return read(paths)
    return {name: read(path) for name, path in zip(among, paths, strict=True)}
