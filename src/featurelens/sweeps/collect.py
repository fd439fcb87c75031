"""Tables of a sweep: its stacks joined, in the order of its points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from featurelens.io import read_table


def collect_points(files: Sequence[str], ids: Sequence[str]) -> pd.DataFrame:
    """Join the tables of all stacks into one, sorted by id, with the ``stack`` of every point.

    Raises
    ------
    RuntimeError
        If a planned point is missing, which would otherwise pass unseen into every figure.
    """
    table = pd.concat(map(read_points, files), ignore_index=True)
    missing = sorted(set(ids) - set(table["id"]))
    if missing:
        raise RuntimeError(
            f"{len(missing)} planned points are in no stack, the first is {missing[0]}; "
            "delete the stack tables of this sweep and run again (trained points are kept)"
        )
    return table[table["id"].isin(set(ids))].sort_values("id", ignore_index=True)


def read_points(file: str | Path) -> pd.DataFrame:
    """Points of a stack or of a whole sweep, with the ``stack`` of every point."""
    table = read_table(file)
    return table if "stack" in table else table.assign(stack=Path(file).stem)


def collect_rows(files: Sequence[str], points: pd.DataFrame) -> pd.DataFrame:
    """Join tables that all stacks have of their points, in the order of ``points``."""
    tables = [read_table(file) for file in files]
    filled = [table for table in tables if len(table)]
    table = pd.concat(filled or tables[:1], ignore_index=True)
    order = {identifier: row for row, identifier in enumerate(points["id"])}
    table = table[table["id"].isin(order.keys())]
    return table.sort_values("id", key=lambda ids: ids.map(order), kind="stable", ignore_index=True)


def index_points(points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Index of a sweep: the id of every point and all its hyperparameters."""
    return pd.DataFrame([dict(point) for point in points])
