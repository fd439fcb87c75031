"""Embeddings as tables: text in any of the forms that pandas, R and spreadsheets write, Parquet."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from featurelens.genesets.text import read_lines
from featurelens.io import InputError

SEPARATORS = ",;\t"


def read_text(path: str) -> tuple[np.ndarray, pd.Index]:
    """Values (n, d) and cell names of a table with a header, plain or gzip.

    The separator is the one that stands most often in the header, whatever the file is called.
    Behind semicolons, numbers may have a comma. Where the first column counts the rows from 0 or
    1 and the second holds text, the second names the cells.

    Raises
    ------
    InputError
        If the file is no table, another column than that of the names holds text, or no column
        can be one of names.
    """
    header = next(read_lines(path), "")
    separator = max(SEPARATORS, key=header.count)
    table = _table(path, separator, decimal=".")
    if separator == ";" and any(map(_is_text, _columns(table))):
        table = _table(path, separator, decimal=",")
    return _named(table, path)


def read_parquet(path: str) -> tuple[np.ndarray, pd.Index]:
    """Values (n, d) and cell names of a Parquet file: its index, or its first column.

    Raises
    ------
    InputError
        As :func:`read_text`.
    """
    from pyarrow import ArrowInvalid, parquet

    try:
        with parquet.ParquetFile(path) as file:
            table = file.read().to_pandas()
    except (ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: cannot be read as .parquet; is it complete?") from error
    if isinstance(table.index, pd.RangeIndex) and len(table.columns):
        table = table.set_index(table.columns[0])
    return _named(table, path)


def _table(path: str, separator: str, *, decimal: str) -> pd.DataFrame:
    packed = Path(path).read_bytes()[:2] == b"\x1f\x8b"

    def read(**options: Any) -> pd.DataFrame:
        return pd.read_csv(
            path,
            sep=separator,
            decimal=decimal,
            low_memory=False,
            encoding="utf-8-sig",
            compression="gzip" if packed else None,
            **options,
        )

    try:
        table = read(index_col=0, dtype={0: str})
        if table.index.dtype != object or table.index.hasnans:
            # pandas 2.3 makes numbers of names under an empty header, 007 and 1.10 among them, and
            # nothing of NA, as a cell may be called.
            own = read(index_col=False, usecols=[0], dtype=str, na_filter=False)
            table.index = pd.Index(own.iloc[:, 0].to_numpy(), name=table.index.name)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: cannot be read as a table ({line})") from error
    return table


def _named(table: pd.DataFrame, path: str) -> tuple[np.ndarray, pd.Index]:
    names = pd.Index(table.index.astype(str))
    columns = _columns(table)
    if columns and _is_text(columns[0]) and _counts_rows(names):
        names, table = pd.Index(columns[0].astype(str)), table.iloc[:, 1:]
        columns = columns[1:]
    textual = next((column for column in columns if _is_text(column)), None)
    if textual is not None:
        raise InputError(
            f"{path}: column {str(textual.name)!r} holds text; the first column names the cells, "
            "all others are numbers"
        )
    if not columns:
        raise InputError(
            f"{path}: has a single column, {str(table.index.name)!r}; the first column names the "
            "cells, all others are numbers, with commas, semicolons or tabs between them"
        )
    return table.to_numpy(), names


def _columns(table: pd.DataFrame) -> list[pd.Series]:
    return [table.iloc[:, place] for place in range(table.shape[1])]


def _is_text(column: pd.Series) -> bool:
    return column.dtype.kind not in "fiub"


def _counts_rows(names: pd.Index) -> bool:
    return any(names.equals(pd.Index(map(str, range(a, a + len(names))))) for a in (0, 1))
