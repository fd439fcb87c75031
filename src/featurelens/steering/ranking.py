"""Every live feature set to its mean in the target: how far it leads there, and on which genes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from featurelens.progress import Progress, counted
from featurelens.steering.edits import Edit, edit_cells
from featurelens.steering.movement import Centroids, movement
from featurelens.steering.screen import screen
from featurelens.steering.stage import Stage

N_GENES = 5
"""Genes that are named in either direction."""
LEAST = 0.1
"""log2 ratio from which a gene is named."""


def rank_features(stage: Stage, *, threads: int = 1) -> pd.DataFrame:
    """All live features by the share of the way to the target that they cover.

    Returns
    -------
    pandas.DataFrame
        rank, feature, value (its mean in the target, times the factor), displacement, way,
        efficiency (:mod:`featurelens.steering.judge`; over all steered cells), and where something
        decodes rising and falling: genes of the largest effects, joined by commas.
    """
    features, config = stage.features, stage.config
    live = np.flatnonzero(features.var["n_active"].to_numpy() > 0)
    place = list(features.uns["cell_types"]).index(config.target)
    values = config.factor * np.asarray(features.varm["type_means"])[:, place]
    told = counted(live, len(live), "features", "movement of cells ranked", log=stage.log)
    moved = pd.DataFrame([_movement(stage, int(number), values[number]) for number in told])
    moved.insert(0, "feature", features.var_names[live])
    if stage.reading is not None:
        genes = pd.DataFrame(list(_genes(stage, live, values, threads)))
        moved = pd.concat([moved, genes], axis=1)
    ranked = moved.sort_values("way", ascending=False, kind="stable", ignore_index=True)
    ranked.insert(0, "rank", np.arange(1, len(ranked) + 1))
    return ranked


def _movement(stage: Stage, number: int, value: float) -> dict[str, float]:
    X = stage.bundle.embedding[stage.rows]
    edited = edit_cells(stage.sae, X, [Edit(number, "set", value)], codes=stage.codes)
    centroids = _of(stage)
    moved = movement(X, edited.after, centroids, target=stage.config.target)
    still = np.isnan(moved.efficiency).all()
    return {
        "value": value,
        "displacement": float(moved.displacement.mean()),
        "way": moved.way,
        "efficiency": float("nan") if still else float(np.nanmean(moved.efficiency)),
    }


def _of(stage: Stage) -> Centroids:
    """The target's mean alone: no other is asked for."""
    target = stage.config.target
    points = stage.bundle.embedding[stage.labels == target]
    return Centroids((target,), points.mean(axis=0, dtype=np.float64)[None])


def _genes(
    stage: Stage, live: np.ndarray, values: np.ndarray, threads: int
) -> Iterator[dict[str, Any]]:
    config, symbols = stage.config, stage.symbols
    blocks = screen(
        stage.sae,
        stage.bundle,
        stage.rows,
        values,
        features=live,
        pseudocount=config.pseudocount,
        library=config.library,
        threads=threads,
    )
    progress = Progress(stage.log, len(live), "features", "effects on genes ranked")
    for block in blocks:
        for effect in block.log2_fold:
            order = np.argsort(-effect, kind="stable")
            first, last = order[:N_GENES], order[::-1][:N_GENES]
            yield {
                "rising": ", ".join(symbols[first[effect[first] >= LEAST]]),
                "falling": ", ".join(symbols[last[effect[last] <= -LEAST]]),
            }
        progress.advance(len(block.features))
