"""Names of cells in a text file of their own."""

from __future__ import annotations

import pandas as pd

from featurelens.genesets.text import read_lines
from featurelens.io import InputError

HEADERS = frozenset(
    {
        *("", "x", "0", "v1", "index", "name", "names", "obs_names", "rownames"),
        *("cell", "cells", "cell_id", "cellid", "cell_name", "cell_names", "cell_barcode"),
        *("barcode", "barcodes"),
    }
)
"""What stands above a column of names, in small letters."""


def read_names(path: str, n_rows: int) -> pd.Index:
    """Cell names, one a line, plain or gzip.

    Quotes are taken off. A header is told by its words, and only where there is one line more
    than rows.

    Parameters
    ----------
    n_rows
        Rows of the matrix that they belong to.

    Raises
    ------
    InputError
        If the file is missing, no text, has several columns or another number of names.
    """
    try:
        lines = [line.strip() for line in read_lines(path)]
    except InputError as error:
        if "no such file" in str(error):
            raise InputError(f"{path}: no such file; check names in the config") from None
        raise
    wide = next((line for line in lines if "\t" in line or '","' in line), None)
    if wide is not None:
        raise InputError(f"{path}: line {wide[:40]!r} has several columns; give one cell name each")
    names = [name for line in lines if (name := line.strip("\"'").strip())]
    if len(names) == n_rows + 1 and names[0].lower() in HEADERS:
        names = names[1:]
    return pd.Index(names, dtype=object)
