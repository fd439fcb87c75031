"""How well linear decompositions of the observables recover the hidden variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import anndata
import numpy as np
import pandas as pd

from featurelens.recovery.baselines import fit_baseline
from featurelens.recovery.neurons import measure_recovery
from featurelens.simulation.observables import observables
from featurelens.simulation.variables import variables

if TYPE_CHECKING:
    from featurelens.recovery.config import BaselineConfig


def measure_baselines(
    data: anndata.AnnData, config: BaselineConfig, *, log: Callable[[str], None]
) -> pd.DataFrame:
    """Decompose the observables and measure what the components recover.

    Returns
    -------
    DataFrame
        ``method``, ``n_components`` (kept), ``rank`` (of the data) and the columns of
        :func:`featurelens.recovery.neurons.measure_recovery`, under both conventions.
    """
    if config.n_cells:
        data = data[spaced_cells(data, config.n_cells)]
    truth, observed = variables(data), observables(data)
    tables: list[pd.DataFrame] = []
    for method in config.methods:
        baseline = fit_baseline(observed, method, config.n_components, seed=config.seed)
        log(f"{method}: {baseline.n_components} components, rank {baseline.rank}")
        measured = measure_recovery(baseline.scores, truth, convention="both", redundancy="last")
        tables.append(
            measured.assign(method=method, n_components=baseline.n_components, rank=baseline.rank)
        )
    table = pd.concat(tables, ignore_index=True)
    first = ["method", "n_components", "rank"]
    return table[[*first, *(str(column) for column in table if column not in first)]]


def spaced_cells(data: anndata.AnnData, n_cells: int) -> np.ndarray:
    """Positions of training cells, evenly spaced from the first; all where there are not more.

    30,000 of 90,000 are every third, the author's cells (``05_rebuttal_pca.py``).
    """
    train = np.flatnonzero(data.obs["split"] == "train")
    n_kept = min(n_cells, len(train))
    return train[np.arange(n_kept) * len(train) // n_kept]
