"""Features that follow the trajectories of a run: how many pass each filter, and which are best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from featurelens.features.candidates import rank_candidates
from featurelens.features.config import TrajectoryConfig
from featurelens.features.trajectory import count_filters
from featurelens.options import build
from featurelens.places import Place

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {"features": "features/{guided}/features.h5ad"}
PARAMS = {"trajectories": "{trajectories}", "most": 50}
OUTPUTS = {
    "feature_selection": """**Features that pass the paper's filters for a trajectory**, one after
        the other: mean of the later stages above the contrast, above the first stage, and means
        that rise from stage to stage. Beside each count stands that of the same filters when the
        cell types exchange their places (mean and 95th percentile): so many pass for no reason.""",
    "selected_features": """**Features that follow a trajectory**, of those that pass its filters,
        by the mean of three ranks: activation at the end, rank correlation with the order of
        stages, and how far cells of the start move towards the end when the feature is set to its
        mean there. The last column says why each stands where it does.""",
}
TOGETHER = "cells"


def tabulate(
    features: Mapping[str, AnnData],
    *,
    trajectories: Mapping[str, Mapping[str, Any]],
    most: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts of the filters, and the best candidates, of every SAE and trajectory.

    Parameters
    ----------
    features
        Name (dataset/model/sae) to ``features.h5ad``.
    trajectories
        Dataset to its trajectories by name, in plain form.
    most
        Candidates of one SAE and trajectory that are listed.

    Returns
    -------
    counts, candidates
        Rows of :func:`featurelens.features.trajectory.count_filters` and
        :func:`featurelens.features.candidates.rank_candidates` behind sae, position and trajectory.
    """
    counts, candidates = [], []
    for position, (sae, adata) in enumerate(features.items(), start=1):
        for name, trajectory in _of(sae, trajectories):
            about = {"sae": sae, "position": position, "trajectory": name}
            counts.append(_named(count_filters(adata, trajectory), about))
            candidates.append(_named(rank_candidates(adata, trajectory).head(most), about))
    return pd.concat(counts, ignore_index=True), pd.concat(candidates, ignore_index=True)


def _of(
    sae: str, trajectories: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, TrajectoryConfig]]:
    for name, block in trajectories[Place.parse(sae).dataset].items():
        yield name, build(TrajectoryConfig, block)


def _named(table: pd.DataFrame, about: Mapping[str, Any]) -> pd.DataFrame:
    for place, (column, value) in enumerate(about.items()):
        table.insert(place, column, value)
    return table
