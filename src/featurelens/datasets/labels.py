"""Checks of the labels of cells: types, batches, and the types that a config names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from featurelens.datasets.files import require_key
from featurelens.datasets.plain import is_missing
from featurelens.io import InputError

MOST_NUMBERS = 200
"""Different whole numbers that may still be labels of cells."""
FEW_CELLS = 20
"""Cells that may each be of their own type, as in an example."""


def require_labels(labels: pd.Series, names: pd.Index, column: str, path: str | Path) -> None:
    """Raise :class:`InputError` that names the first cell without a label, or with a number.

    Whole numbers may be labels, as those of clusters and donors, unless they are too many.
    """
    n_different = labels.nunique()
    if labels.dtype.kind in "iu" and n_different > MOST_NUMBERS:
        raise InputError(
            f"{path}: obs[{column!r}] holds {n_different} different whole numbers in "
            f"{len(labels)} cells; give a column of labels as {column}"
        )
    if n_different == len(labels) > FEW_CELLS:
        raise InputError(
            f"{path}: obs[{column!r}] is different in each of the {len(labels)} cells; give a "
            f"column that groups them as {column}"
        )
    if labels.dtype.kind == "f" and labels.notna().any():
        raise InputError(
            f"{path}: obs[{column!r}] holds numbers such as {labels.dropna().iloc[0]:g}; give a "
            f"column of labels as {column}"
        )
    missing = names[is_missing(labels)]
    if len(missing):
        raise InputError(
            f"{path}: cell {str(missing[0])!r} has no {column} ({len(missing)} such cells); "
            f"fill in obs[{column!r}] or leave these cells out"
        )


def require_cell_types(labels: pd.Series, wanted: Sequence[str], where: str) -> None:
    """Raise :class:`InputError` unless some cell is of each of the types in ``wanted``."""
    there = sorted(labels.dropna().astype(str).unique())
    for name in wanted:
        require_key(name, there, where)
