"""Values of a user's table in the forms that every stage and every file can hold.

anndata 0.12 and pandas 3 keep text in nullable string arrays, which anndata writes only where it is
told to, and which keep a missing value apart from NaN. Dates, intervals, mixed values and the like
it does not write at all. Cells are brought to what can be written once, where they are read.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

NO_LABEL = frozenset({"", "nan", "<na>"})
"""What a missing value becomes in a table that was text for a while, in lower case."""
NO_SYMBOL = NO_LABEL | {"-", "na", "n/a", "none", "null"}
"""What stands for a gene without a symbol; as a label of cells, such a word may be meant."""


def plain_table(table: pd.DataFrame) -> pd.DataFrame:
    """A table that can be written: text as plain objects, numbers as they are, all else as text.

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
    made.columns = table.columns.map(str)
    return made


def plain_index(index: pd.Index) -> pd.Index:
    """Names as plain objects."""
    is_text = isinstance(index.dtype, pd.StringDtype)
    return pd.Index(index.to_numpy(dtype=object), name=index.name) if is_text else index


def plain_values(values: pd.Series) -> pd.Series:
    """One column; missing text as None.

    Examples
    --------
    >>> plain_values(pd.Series(["x", 1, None])).tolist()
    ['x', '1', None]
    >>> plain_values(pd.Series([True, None])).dtype
    BooleanDtype
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain_categories(values)
    if isinstance(dtype, pd.SparseDtype):
        return pd.Series(np.asarray(values), index=values.index, name=values.name)
    if pd.api.types.is_object_dtype(dtype):
        return _plain_objects(values)
    if pd.api.types.is_float_dtype(dtype) and not isinstance(dtype, np.dtype):
        return values.astype(np.float64)
    is_number = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    return values if is_number else _as_text(values)


def _plain_categories(values: pd.Series) -> pd.Series:
    categories = plain_values(pd.Series(values.cat.categories))
    if categories.is_unique:
        return values.cat.rename_categories(pd.Index(categories))
    return _as_text(values.astype(object)).astype("category")  # as of 1 and "1"


def _plain_objects(values: pd.Series) -> pd.Series:
    """Objects of one sort as that sort, mixed ones as text."""
    sort = pd.api.types.infer_dtype(values, skipna=True)
    if sort in ("string", "bytes"):
        return values
    if sort == "boolean":
        return values.astype("boolean")
    if sort in ("integer", "floating", "mixed-integer-float", "empty"):
        return values.astype(np.float64)
    return _as_text(values)


def _as_text(values: pd.Series) -> pd.Series:
    plain = values.astype(str).astype(object)
    plain[values.isna()] = None
    return plain


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
