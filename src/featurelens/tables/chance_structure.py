"""What structure recovery scores for random neurons on the true connectivity: independent edges,
as many as each percentile of similarity leaves. In the default run this is a small simulation;
with the paper's sizes the levels are those beside which its 75 and 95 % have to be read.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"tables": "simulation/{chanced_simulations}/chance_structure.tsv"}
TOGETHER = "simulations"


def tabulate(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of all simulations below one another, after simulation; position is the last."""
    return stack_named(tables, "simulation")
