"""How well linear decompositions of the observables recover the hidden variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import anndata
import numpy as np
import pandas as pd

from featurelens.recovery.baselines import fit_baseline
from featurelens.recovery.baselines_published import fit_published
from featurelens.recovery.neurons import measure_recovery
from featurelens.simulation.observables import observables
from featurelens.simulation.variables import Variables, variables

OF_COMPONENTS = ("n_live", "mean_active", "n_redundant")
"""Columns that are of the components alone."""

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
        :func:`featurelens.recovery.neurons.measure_recovery`, under both conventions. corrected
        compares every component with every variable, and has no more of them than the rank of the
        data; published is what the author did (:func:`fit_published`, :func:`_published_scores`).
    """
    if config.n_cells:
        data = data[spaced_cells(data, config.n_cells)]
    truth, observed = variables(data), observables(data)
    tables: list[pd.DataFrame] = []
    for method in config.methods:
        log(f"{method} of {observed.shape[0]} cells x {observed.shape[1]} observables")
        baseline = fit_baseline(observed, method, config.n_components, seed=config.seed)
        log(f"{method}: {baseline.n_components} components, rank {baseline.rank}")
        theirs = fit_published(observed, baseline, seed=config.seed)
        log(f"{method}: {theirs.n_components} components as published, {theirs.kind}")
        corrected = measure_recovery(baseline.scores, truth, convention="corrected")
        for table, n_components in (
            (_published_scores(theirs.scores, truth), theirs.n_components),
            (corrected, baseline.n_components),
        ):
            about = {"method": method, "n_components": n_components, "rank": baseline.rank}
            tables.append(table.assign(**about))
    table = pd.concat(tables, ignore_index=True)
    first = ["method", "n_components", "rank"]
    return table[[*first, *(str(column) for column in table if column not in first)]]


def _published_scores(scores: np.ndarray, truth: Sequence[Variables]) -> pd.DataFrame:
    """The author's comparison: of k variables with the first k components.

    His index over the columns of the variables slices the components (``05_rebuttal_pca.py``): A
    and B, one column each, meet the first component alone. How many components there are, and how
    many of them correlate with the last one, he counts over all of them.
    """
    tables = []
    about = measure_recovery(scores, truth[:1], convention="published", redundancy="last")
    for group in truth:
        first = scores[:, : group.values.shape[1]]
        table = measure_recovery(first, [group], convention="published", redundancy="last")
        tables.append(table.assign(**{name: about[name].iloc[0] for name in OF_COMPONENTS}))
    return pd.concat(tables, ignore_index=True)


def spaced_cells(data: anndata.AnnData, n_cells: int) -> np.ndarray:
    """Positions of training cells, evenly spaced from the first; all where there are not more.

    30,000 of 90,000 are every third, the author's cells (``05_rebuttal_pca.py``).
    """
    train = np.flatnonzero(data.obs["split"] == "train")
    n_kept = min(n_cells, len(train))
    return train[np.arange(n_kept) * len(train) // n_kept]
