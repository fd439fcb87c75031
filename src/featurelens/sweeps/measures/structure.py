"""The connectivity that chosen points recover, beside chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.options import build
from featurelens.progress import counted
from featurelens.recovery.config import StructureConfig
from featurelens.recovery.structure import measure_structure
from featurelens.simulation.observables import observables
from featurelens.sweeps.evaluated import (
    ENOUGH_ROWS,
    evaluation_rows,
    finished,
    id_first,
    load_point,
)
from featurelens.sweeps.points import is_selected

if TYPE_CHECKING:
    from anndata import AnnData

SWEEPS = "structured_sweeps"
INPUTS = ("data", "embedding")
PARAMS = {"choices": "sweeps/{sweep}/structure"}
OUTPUTS = {"summary": "structure.tsv", "programs": "structure_programs.tsv"}


def measure(
    points: pd.DataFrame,
    store: Path,
    *,
    data: AnnData,
    embedding: np.ndarray,
    choices: Mapping[str, Any],
    log: Callable[[str], None],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recover the simulation's connectivity from the activations of chosen points.

    All cells are compared, or :func:`~featurelens.sweeps.evaluated.evaluation_rows` of a large
    simulation.

    Parameters
    ----------
    points
        Rows of trained points with ``stack``, the folder of ``store`` that holds the weights.
    store
        Folder that holds the weights of a point under its stack and id.
    data
        Simulated cells with known truth.
    embedding
        The same cells, embedded, (n_cells, d_in).
    choices
        :class:`~featurelens.recovery.config.StructureConfig` in plain form: which points, how many
        shuffles.

    Returns
    -------
    summary : DataFrame
        ``id`` and the columns of :func:`featurelens.recovery.structure.measure_structure`.
    programs : DataFrame
        ``id`` and the columns of :attr:`featurelens.recovery.structure.Structure.programs`.
    """
    config: StructureConfig = build(StructureConfig, choices)
    rows = evaluation_rows(data) if data.n_obs > ENOUGH_ROWS else np.arange(data.n_obs)
    observed, X = observables(data).rows(rows), embedding[rows]
    tables: dict[str, list[pd.DataFrame]] = {"summary": [], "programs": []}
    chosen = [point for point in finished(points) if is_selected(point, config.select)]
    for point in counted(chosen, len(chosen), "points", "structure recovered", log=log):
        log(f"point {point['id']}")
        structure = measure_structure(
            load_point(store, point).encode(X),
            observed,
            data.varm["connectivity"],
            percentiles=config.percentiles,
            n_permutations=config.n_permutations,
            n_margin_draws=config.n_margin_draws,
            seed=config.seed,
        )
        for name, parts in tables.items():
            parts.append(getattr(structure, name).assign(id=point["id"]))
    summary, programs = (pd.concat(parts, ignore_index=True) for parts in tables.values())
    return id_first(summary), id_first(programs)
