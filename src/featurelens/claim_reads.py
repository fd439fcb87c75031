"""How a claim's value is read from a run's tables: filter rows, then reduce a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from featurelens.conventions import Convention
from featurelens.io import InputError
from featurelens.options import STRICT

Reduction = Literal[
    "mean", "median", "min", "max", "sum", "count", "n_unique",
    "sd_log10", "spearman", "loglog_slope", "argmax", "argmin",
]  # fmt: skip
Scalar = str | int | float | bool
Value = float | str | dict[str, float]

ALONG = ("spearman", "loglog_slope", "argmax", "argmin")
"""Reductions that relate the column to a second one, named by ``along``."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A condition on a number, both ends excluded."""

    __pydantic_config__ = STRICT

    above: float | None = None
    """Rows with a larger value pass."""
    below: float | None = None
    """Rows with a smaller value pass."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """How one value is read from a table of the run."""

    __pydantic_config__ = STRICT

    table: str
    """Name of a file in tables/, without its ending."""
    column: str | dict[Convention, str]
    """Column that holds the value, one for both conventions or one for each."""
    reduce: Reduction
    """How the rows that pass become one value."""
    where: dict[str, Scalar | tuple[Scalar, ...] | Bounds] = field(default_factory=dict)
    """Column to the value, the values or the bounds that a row must have."""
    by: str | None = None
    """Column whose values are told apart, for claims about an order."""
    along: str | None = None
    """Second column of a trend, or the column that argmax and argmin answer with."""

    def __post_init__(self) -> None:
        if (self.reduce in ALONG) != (self.along is not None):
            raise ValueError(f"'along' belongs to {', '.join(ALONG)}, and only to them")


class NotReadable(Exception):
    """The run's tables do not hold the value; the message says what is missing."""


def read_value(read: Read, tables: Mapping[str, pd.DataFrame], convention: Convention) -> Value:
    """The value under one convention; a table without such a column serves both.

    Raises
    ------
    NotReadable
        If the run has no such table or no row of it passes.
    InputError
        If the table has no such column.
    """
    if read.table not in tables:
        raise NotReadable(f"table {read.table} is not in this run")
    table = tables[read.table]
    column = read.column if isinstance(read.column, str) else read.column[convention]
    if not len(table):
        raise NotReadable(f"table {read.table} is empty")
    _require_columns(read, table, [column, *read.where, read.by, read.along])
    if "convention" in table and "convention" not in read.where:
        table = table[table["convention"] == convention]
    for name, condition in read.where.items():
        table = table[_passes(table[name], condition)]
    table = table.dropna(subset=[column])
    if not len(table):
        raise NotReadable(f"table {read.table} has no value of {column} for this claim")
    if read.by is None:
        return _reduce(table, column, read)
    groups = table.groupby(read.by, sort=False)
    return {str(name): as_number(_reduce(rows, column, read)) for name, rows in groups}


def _require_columns(read: Read, table: pd.DataFrame, names: Sequence[str | None]) -> None:
    for name in names:
        if name is not None and name not in table:
            raise InputError(
                f"table {read.table} has no column {name!r}; "
                f"it has {', '.join(map(str, table.columns))}"
            )


def _passes(values: pd.Series, condition: Scalar | tuple[Scalar, ...] | Bounds) -> pd.Series:
    if isinstance(condition, Bounds):
        low = -np.inf if condition.above is None else condition.above
        high = np.inf if condition.below is None else condition.below
        return (values > low) & (values < high)
    wanted = condition if isinstance(condition, tuple) else (condition,)
    return values.isin(wanted)


def _reduce(table: pd.DataFrame, column: str, read: Read) -> Value:
    values = table[column]
    if read.along is not None:
        return _reduce_along(table, column, read.along, read.reduce)
    if read.reduce == "count":
        return float(len(values))
    if read.reduce == "n_unique":
        return float(values.nunique())
    if read.reduce == "sd_log10":
        positive = values[values > 0]
        return _finite(np.log10(positive).std(), "too few positive values")
    return _finite(getattr(values, read.reduce)(), "no finite value")


def _reduce_along(table: pd.DataFrame, column: str, along: str, reduce: Reduction) -> Value:
    means = table.groupby(along, sort=True)[column].mean()
    if reduce in ("argmax", "argmin"):
        best = means.idxmax() if reduce == "argmax" else means.idxmin()
        return best if isinstance(best, str) else float(best)
    if reduce == "loglog_slope":
        means = means[means > 0]
        if len(means) < 2:
            raise NotReadable(f"fewer than two values of {along}")
        return float(np.polyfit(np.log(means.index.to_numpy(float)), np.log(means), 1)[0])
    if len(means) < 2:
        raise NotReadable(f"fewer than two values of {along}")
    ranks = table[[along, column]].rank()
    if (ranks.std() == 0).any():
        raise NotReadable(f"{column} is the same everywhere")
    return _finite(float(np.corrcoef(ranks[along], ranks[column])[0, 1]), "no trend")


def _finite(value: float, reason: str) -> float:
    if not np.isfinite(value):
        raise NotReadable(reason)
    return float(value)


def as_number(value: Value) -> float:
    """The value where it is one number, which a name or an order is not."""
    if not isinstance(value, float):
        raise NotReadable(f"{value} is no single number")
    return value
