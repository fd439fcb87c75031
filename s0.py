"""The connectivity that chosen points recover, beside chance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.recovery.structure import measure_structure
from featurelens.sae import model
from featurelens.simulation.observables import observables
from featurelens.sweeps.measures.rows import ENOUGH_ROWS, evaluation_rows, id_first

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.recovery.config import StructureConfig


def recover_structures(
    data: AnnData,
    embedding: AnnData,
    points: pd.DataFrame,
    store: str | Path,
    config: StructureConfig,
    *,
    log: Callable[[str], None],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recover the simulation's connectivity from the activations of each given point.

    All cells are compared, or :func:`evaluation_rows` of a large simulation.

    Parameters
    ----------
    points
        Rows of trained points, indexed by id, with ``stack`` (the folder of ``store`` that holds
        the weights) and ``status``.

    Returns
    -------
    summary : DataFrame
        ``id`` and the columns of :func:`featurelens.recovery.structure.recover_structure`.
    programs : DataFrame
        ``id`` and the columns of :attr:`featurelens.recovery.structure.Structure.programs`.
    """
    rows = evaluation_rows(data) if data.n_obs > ENOUGH_ROWS else np.arange(data.n_obs)
    observed, X = observables(data).rows(rows), embedding.obsm["X_emb"][rows]
    tables: dict[str, list[pd.DataFrame]] = {"summary": [], "programs": []}
    for identifier, point in points[points["status"] == "ok"].iterrows():
        log(f"point {identifier}")
        sae = model.load(Path(store) / point["stack"] / str(identifier))
        structure = measure_structure(
            sae.encode(X),
            observed,
            data.varm["connectivity"],
            percentiles=config.percentiles,
            n_permutations=config.n_permutations,
            n_margin_draws=config.n_margin_draws,
            seed=config.seed,
        )
        for name, parts in tables.items():
            parts.append(getattr(structure, name).assign(id=str(identifier)))
    summary, programs = (pd.concat(parts, ignore_index=True) for parts in tables.values())
    return summary[id_first(summary)], programs[id_first(programs)]
