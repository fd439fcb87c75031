"""How a claim's value is read from a run's tables: filter rows, then reduce a column."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from featurelens.claims.values import NotReadable, Value, as_number
from featurelens.conventions import Convention
from featurelens.io import InputError
from featurelens.options import STRICT

Reduction = Literal[
    "mean", "median", "min", "max", "sum", "count", "n_unique",
    "sd_log10", "spread", "spearman", "loglog_slope", "argmax", "argmin", "mode",
]  # fmt: skip
Scalar = str | int | float | bool

_BRACES = re.compile(r"\{(\w+)\}")

ALONG = ("spearman", "loglog_slope", "argmax", "argmin", "mode")
"""Reductions that relate the column to a second one, named by ``along``; mode answers with the
value of it that most rows have, or with all that tie, in one text that equals none of them."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A condition on a number, both ends excluded."""

    __pydantic_config__ = STRICT

    above: float | None = None
    """Rows with a larger value pass."""
    below: float | None = None
    """Rows with a smaller value pass."""


@dataclass(frozen=True, kw_only=True)
class Extreme:
    """The rows with the largest or the smallest value among those that passed so far."""

    __pydantic_config__ = STRICT

    at: Literal["largest", "smallest"]
    """Which end."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """A condition on a text, whatever its case."""

    __pydantic_config__ = STRICT

    contains: tuple[str, ...]
    """Rows whose text contains one of these pass."""


Condition = Scalar | tuple[Scalar, ...] | Bounds | Extreme | Words
Names = Mapping[str, str | tuple[str, ...]]
"""What names in braces stand for (:meth:`featurelens.claims.config.PaperNames.known`)."""


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
    where: dict[str, Condition] = field(default_factory=dict)
    """Column to the value, the values, the bounds, the end or the words that a row must have, in
    order. Names in braces are those of the run: {multidgd}, {multidgd}/{collection}."""
    by: str | None = None
    """Column whose values are told apart, for claims about an order."""
    along: str | None = None
    """Second column of a trend, or the column that argmax and argmin answer with."""

    def __post_init__(self) -> None:
        if (self.reduce in ALONG) != (self.along is not None):
            raise ValueError(f"'along' belongs to {', '.join(ALONG)}, and only to them")


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A value, or a difference or ratio of two."""

    __pydantic_config__ = STRICT

    read: Read
    """Where the value stands."""
    minus: Read | None = None
    """A second value to subtract."""
    divided_by: Read | None = None
    """A second value to divide by."""


def read_value(
    read: Read,
    tables: Mapping[str, pd.DataFrame],
    convention: Convention,
    names: Names = MappingProxyType({}),
) -> Value:
    """The value under one convention; a table without such a column serves both.

    Where some of the rows that pass were trained as the convention has it (column ``training``),
    only those count.

    Raises
    ------
    NotReadable
        If the run has no such table, no row of it passes, or the run has nothing for a name.
    InputError
        If the table has no such column.
    """
    where = {column: named(condition, names) for column, condition in read.where.items()}
    if read.table not in tables:
        raise NotReadable(f"table {read.table} is not in this run")
    table = tables[read.table]
    column = read.column if isinstance(read.column, str) else read.column[convention]
    if not len(table):
        raise NotReadable(f"table {read.table} is empty")
    _require_columns(read, table, [column, *read.where, read.by, read.along])
    if "convention" in table and "convention" not in read.where:
        table = table[table["convention"] == convention]
    for name, condition in where.items():
        table = table[_passes(table[name], condition)]
    table = _own_training(table.dropna(subset=[column]), convention)
    if not len(table):
        raise NotReadable(f"table {read.table} has no value of {column} for this claim")
    if read.by is None:
        return _reduce(table, column, read)
    groups = table.groupby(read.by, sort=False)
    return {str(name): as_number(_reduce(rows, column, read)) for name, rows in groups}


def named(condition: Condition, names: Names) -> Condition:
    """A condition with the run's own names in the place of those in braces.

    Raises
    ------
    NotReadable
        If the run has nothing for a name.

    Examples
    --------
    >>> named("{sae}/{collection}", {"sae": "blood/pca/topk", "collection": "go"})
    'blood/pca/topk/go'
    """
    if isinstance(condition, str):
        asked = _BRACES.findall(condition)
        for name in asked:
            if name not in names:
                raise NotReadable(f"this run has nothing for {name} (its config, under 'paper')")
        if asked and condition == f"{{{asked[0]}}}":
            return names[asked[0]]
        return condition.format(**names) if asked else condition
    if isinstance(condition, tuple):
        return tuple(itertools.chain(*(_values(named(each, names)) for each in condition)))
    return condition


def _values(condition: Condition) -> tuple[Scalar, ...]:
    if isinstance(condition, tuple):
        return condition
    assert isinstance(condition, Scalar)
    return (condition,)


def evaluate(
    quantity: Quantity,
    tables: Mapping[str, pd.DataFrame],
    convention: Convention,
    names: Names = MappingProxyType({}),
) -> Value:
    """The value, less the second one and divided by the third, where they are given."""
    value = read_value(quantity.read, tables, convention, names)
    if quantity.minus is not None:
        value = as_number(value) - as_number(read_value(quantity.minus, tables, convention, names))
    if quantity.divided_by is not None:
        divisor = as_number(read_value(quantity.divided_by, tables, convention, names))
        if divisor == 0:
            raise NotReadable("the value to divide by is 0")
        value = as_number(value) / divisor
    return value


def _own_training(table: pd.DataFrame, convention: Convention) -> pd.DataFrame:
    if "training" not in table:
        return table
    own = table["training"] == convention
    return table[own] if own.any() else table


def _require_columns(read: Read, table: pd.DataFrame, names: Sequence[str | None]) -> None:
    for name in names:
        if name is not None and name not in table:
            raise InputError(
                f"table {read.table} has no column {name!r}; "
                f"it has {', '.join(map(str, table.columns))}"
            )


def _passes(values: pd.Series, condition: Condition) -> pd.Series:
    if isinstance(condition, Extreme):
        return values == (values.max() if condition.at == "largest" else values.min())
    if isinstance(condition, Bounds):
        low = -np.inf if condition.above is None else condition.above
        high = np.inf if condition.below is None else condition.below
        return (values > low) & (values < high)
    if isinstance(condition, Words):
        some = "|".join(map(re.escape, condition.contains))
        return values.astype(str).str.contains(some, case=False)
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
    if read.reduce == "spread":
        if len(values) < 2:
            raise NotReadable(f"one value of {column} alone")
        return _finite((values.max() - values.min()) / values.mean(), "a mean of 0")
    if read.reduce == "sd_log10":
        positive = values[values > 0]
        return _finite(np.log10(positive).std(), "too few positive values")
    return _finite(getattr(values, read.reduce)(), "no finite value")


def _reduce_along(table: pd.DataFrame, column: str, along: str, reduce: Reduction) -> Value:
    if reduce == "mode":
        return _most_frequent(table[along])
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


def _most_frequent(values: pd.Series) -> Value:
    counts = values.value_counts()
    best = sorted(counts.index[counts == counts.max()])
    if len(best) > 1:
        return " = ".join(map(str, best))
    return best[0] if isinstance(best[0], str) else float(best[0])


def _finite(value: float, reason: str) -> float:
    if not np.isfinite(value):
        raise NotReadable(reason)
    return float(value)
