"""Features that rise along a trajectory: the author's three filters, counted.

The paper (appendix A.3.2) keeps live features whose mean over the later stages exceeds that over
the cells of other types, exceeds that over the first stage, and whose means rise from stage to
stage. :mod:`featurelens.features.candidates` ranks what is left.

Features differ between any types, so some pass whatever the order: each count stands beside that
of the same filters when the types exchange their places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.datasets.labels import require_cell_types
from featurelens.features.config import TrajectoryConfig
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata

STEPS = {
    "live": "active in some cell",
    "above_contrast": "mean of the later stages above that of the contrast",
    "above_start": "mean of the later stages above that of the first",
    "above_both": "both",
    "increasing": "both, and means that rise from stage to stage",
}
"""What stands behind each count; a step of the author's."""


@dataclass(frozen=True, eq=False)
class TypeMeans:
    """Mean activation of each feature in each type, and how many cells a type has."""

    means: NDArray[np.float64]
    """(n_features, n_types)."""
    sizes: NDArray[np.int64]
    """(n_types,)."""

    def over(self, types: NDArray[np.integer]) -> NDArray[np.float64]:
        """Mean over all cells of some types, (n_features,)."""
        weights = self.sizes[types] / self.sizes[types].sum()
        return self.means[:, types] @ weights

    def exchanged(self, order: NDArray[np.integer]) -> TypeMeans:
        """The same with types in each other's places."""
        return TypeMeans(self.means[:, order], self.sizes[order])


def count_filters(
    features: anndata.AnnData,
    trajectory: TrajectoryConfig,
    *,
    n_exchanges: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """How many features pass each filter, and how many when types exchange their places.

    Parameters
    ----------
    features
        Of :func:`featurelens.features.describe.describe_features`.
    trajectory
        Stages and contrast.
    n_exchanges, seed
        Random exchanges of all types behind the chance level.

    Returns
    -------
    DataFrame
        A row for each of :data:`STEPS`: step, rule, n_features, n_by_chance (mean over exchanges)
        and n_by_chance_high (their 95th percentile).

    Raises
    ------
    InputError
        If a type is not among the cells, or nothing is left to contrast with.
    """
    table, roles = type_means(features), roles_of(features, trajectory)
    live = (features.var["n_active"] > 0).to_numpy()
    found = filters_of(table, roles, live)
    rng = np.random.default_rng(seed)
    n_types = len(table.sizes)
    chance = np.array(
        [
            [passed.sum() for passed in filters_of(exchanged, roles, live).values()]
            for exchanged in (table.exchanged(rng.permutation(n_types)) for _ in range(n_exchanges))
        ]
    )
    return pd.DataFrame(
        {
            "step": list(STEPS),
            "rule": list(STEPS.values()),
            "n_features": [int(passed.sum()) for passed in found.values()],
            "n_by_chance": chance.mean(axis=0),
            "n_by_chance_high": np.quantile(chance, 0.95, axis=0),
        }
    )


def type_means(features: anndata.AnnData) -> TypeMeans:
    """Means and sizes of the types of described features, in the order of ``uns['cell_types']``."""
    sizes = features.obs["cell_type"].astype(str).value_counts()
    names = [str(name) for name in features.uns["cell_types"]]
    return TypeMeans(
        np.asarray(features.varm["type_means"], dtype=np.float64), sizes[names].to_numpy()
    )


@dataclass(frozen=True, eq=False)
class Roles:
    """Places of the types among all."""

    stages: NDArray[np.int64]
    contrast: NDArray[np.int64]


def roles_of(features: anndata.AnnData, trajectory: TrajectoryConfig) -> Roles:
    """Places of stages and contrast among the types of described features.

    Raises
    ------
    InputError
        If a type is not among the cells, or nothing is left to contrast with.
    """
    names = [str(name) for name in features.uns["cell_types"]]
    wanted = (*trajectory.stages, *trajectory.contrast)
    require_cell_types(features.obs["cell_type"], wanted, "the features: cell_type")
    contrast = trajectory.contrast or [name for name in names if name not in trajectory.stages]
    if not contrast:
        raise InputError(
            "the stages of the trajectory are all cell types there are, so that none is left to "
            "contrast with; leave a stage out"
        )
    place = {name: number for number, name in enumerate(names)}
    return Roles(
        *(np.array([place[name] for name in group]) for group in (trajectory.stages, contrast))
    )


def filters_of(
    table: TypeMeans, roles: Roles, live: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Which features pass each step."""
    later = table.over(roles.stages[1:])
    contrast = live & (later > table.over(roles.contrast))
    start = live & (later > table.means[:, roles.stages[0]])
    rises = (np.diff(table.means[:, roles.stages], axis=1) > 0).all(axis=1)
    both = contrast & start
    return dict(zip(STEPS, (live, contrast, start, both, both & rises), strict=True))
