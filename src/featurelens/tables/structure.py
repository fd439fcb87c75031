"""The connectivity that chosen SAEs of all sweeps recover, beside chance."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"tables": "sweeps/{structured_sweeps}/structure.tsv?"}
NEEDS = ("sweeps",)
OUTPUTS = {"structure": ""}
TOGETHER = "sweeps"


def tabulate(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of all sweeps below one another, after sweep; position is the last column."""
    return stack_named(tables, "sweep")
