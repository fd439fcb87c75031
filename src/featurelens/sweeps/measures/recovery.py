"""How well the neurons of every point recover the hidden variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.recovery.correlation import distinct_rows
from featurelens.recovery.neurons import Redundancy, measure_recovery
from featurelens.simulation.variables import Variables, variables
from featurelens.sweeps.evaluated import ENOUGH_ROWS, evaluation_rows, id_first, trained

if TYPE_CHECKING:
    from anndata import AnnData

SWEEPS = "simulated_sweeps"
INPUTS = ("data", "embedding")
OUTPUTS = {"table": "recovery.parquet"}
EACH_POINT = True


def measure(
    points: pd.DataFrame,
    store: Path,
    *,
    data: AnnData,
    embedding: np.ndarray,
    log: Callable[[str], None],
) -> pd.DataFrame:
    """Measure what each trained point recovers of the simulation's variables.

    Parameters
    ----------
    points
        Rows of trained points with ``id``, ``stack`` and ``status``; points that failed are left
        out.
    store
        Folder that holds the weights of a point under its stack and id.
    data
        Simulated cells with known truth.
    embedding
        The same cells, embedded, (n_cells, d_in).

    Returns
    -------
    DataFrame
        One row per point, convention and group of variables on all cells, or on
        :func:`~featurelens.sweeps.evaluated.evaluation_rows` of a large simulation, as
        :func:`featurelens.recovery.neurons.measure_recovery` gives them, after ``id``.
    """
    truth, X, counts = _kinds_of_cells(data, embedding)
    # the author counts every neuron in his script of the large simulation, and only there
    is_large = data.uns["simulation"]["kind"] == "hierarchical"
    redundancy: Redundancy = "all" if is_large else "earlier"
    tables: list[pd.DataFrame] = []
    for point, sae in trained(points, store, log=log):
        table = measure_recovery(
            sae.encode(X),
            truth,
            convention="both",
            counts=counts,
            inputs=X,
            redundancy=redundancy,
        )
        tables.append(table.assign(id=point["id"]))
    log(f"{len(tables)} of {len(points)} points measured on {len(X)} kinds of cells")
    if not tables:
        return pd.DataFrame(columns=["id"])
    return id_first(pd.concat(tables, ignore_index=True))


def _kinds_of_cells(data: AnnData, X: np.ndarray) -> tuple[list[Variables], np.ndarray, np.ndarray]:
    """Variables, embedding and number of cells of every kind of cell that is measured."""
    if data.n_obs > ENOUGH_ROWS and data.uns["simulation"]["kind"] != "small":
        rows = evaluation_rows(data)
        return variables(data[rows]), X[rows], np.ones(len(rows))
    truth = variables(data)
    rows, counts = distinct_rows([X, *(group.values for group in truth)])
    return [replace(group, values=group.values[rows]) for group in truth], X[rows], counts
