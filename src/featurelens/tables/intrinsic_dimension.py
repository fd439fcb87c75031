"""Principal components of the observables of a hierarchical simulation that hold given shares of
their variance, exactly, from the programs and the connectivity. ``n_components_published`` counts
as the author's notebook does, one less.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.tables.stacked import stack_named

INPUTS = {"tables": "simulation/{hierarchical_simulations}/intrinsic_dimension.tsv"}
TOGETHER = "simulations"


def tabulate(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The tables of all simulations below one another, after simulation; position is the last."""
    return stack_named(tables, "simulation")
