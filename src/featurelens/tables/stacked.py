"""Tables of several sources stacked, the name of each in front."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def stack_named(tables: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """All tables below one another, each row with the name and the position of its table."""
    named = [
        table.assign(position=position).pipe(_first_column, column, name)
        for position, (name, table) in enumerate(tables.items(), start=1)
        if len(table)
    ]
    return pd.concat(named, ignore_index=True) if named else pd.DataFrame({column: []})


def _first_column(table: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    table = table.drop(columns=column, errors="ignore")
    table.insert(0, column, value)
    return table
