"""How alike two seeds of one SAE are, in all sweeps that have several."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"tables": "sweeps/{seeded_sweeps}/consistency.tsv?"}
NEEDS = ("sweeps",)
OUTPUTS = {"consistency": ""}
TOGETHER = "sweeps"


def tabulate(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of all sweeps below one another, after sweep; position is the last column."""
    return stack_named(tables, "sweep")
