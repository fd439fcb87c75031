"""The information ceiling: how well the same linear read-out finds every variable in the
observables themselves (Y), and in the form of them from which a linear read-out learns most: the
active programs and the cell type (X'' and A), or every distinct cell of the small simulation. No
embedding holds more.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from featurelens.recovery.superposition import group_scores
from featurelens.tables.stacked import stack_named

INPUTS = {"tables": "simulation/{embedded_simulations}/ceiling.tsv"}
TOGETHER = "simulations"


def tabulate(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the scores of the observables of all simulations.

    Parameters
    ----------
    tables
        Simulation to its scores (:func:`featurelens.recovery.ceiling.measure_ceiling`).

    Returns
    -------
    DataFrame
        simulation, the columns of :func:`featurelens.recovery.superposition.group_scores`,
        position.
    """
    scores = {name: group_scores(table) for name, table in tables.items()}
    return stack_named(scores, "simulation")
