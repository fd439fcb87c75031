"""Values of a user's table in the forms that every stage and every file can hold.

anndata 0.12 and pandas 3 keep text in nullable string arrays, which anndata writes only where it is
told to, and which keep a missing value apart from NaN. Cells are brought to plain objects once,
where they are read.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

NO_LABEL = frozenset({"", "nan", "<na>"})
"""What a missing value becomes in a table that was text for a while, in lower case."""
NO_SYMBOL = NO_LABEL | {"-", "na", "n/a", "none", "null"}
"""What stands for a gene without a symbol; as a label of cells, such a word may be meant."""


def plain_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose index, columns of text and categories are plain objects; others are kept.

    Examples
    --------
    >>> table = pd.DataFrame({"a": pd.array(["x", None], "string")}, index=pd.Index(["r", "s"]))
    >>> plain_table(table)["a"].dtype
    dtype('O')
    """
    made = table.copy(deep=False)
    made.index = plain_index(table.index)
    for column in table:
        made[column] = plain_values(made[column])
    return made


def plain_index(index: pd.Index) -> pd.Index:
    """Names as plain objects."""
    is_text = isinstance(index.dtype, pd.StringDtype)
    return pd.Index(index.to_numpy(dtype=object), name=index.name) if is_text else index


def plain_values(values: pd.Series) -> pd.Series:
    """One column: nullable text and categories of it as objects, missing as None."""
    if isinstance(values.dtype, pd.StringDtype):
        plain = values.astype(object)
        plain[values.isna()] = None
        return plain
    if isinstance(values.dtype, pd.CategoricalDtype):
        categories = values.cat.categories
        if isinstance(categories.dtype, pd.StringDtype):
            return values.cat.rename_categories(plain_index(categories))
    return values


def is_missing(names: pd.Series, words: frozenset[str] = NO_LABEL) -> np.ndarray:
    """Which names are no name: missing, or a word that stands for it (n,).

    Examples
    --------
    >>> is_missing(pd.Series(["CD3D", " ", "nan", None, "-"]), NO_SYMBOL).tolist()
    [False, True, True, True, True]
    """
    places, distinct = pd.factorize(names)
    found = [str(name).strip().lower() in words for name in distinct]
    return np.array([*found, True])[places]  # place -1, the last, is a missing value
