"""Which features of a type high and low cells are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from featurelens.dge.config import HighLowConfig
from featurelens.io import InputError

if TYPE_CHECKING:
    import anndata


def asked_features(
    features: anndata.AnnData, asked: HighLowConfig, steered: Sequence[int]
) -> Sequence[int]:
    """Numbers of the features that a configuration asks for.

    Raises
    ------
    InputError
        If it asks for the steered ones and there is none.
    """
    if asked.features != "steered":
        return asked.features or features_of(features, asked)
    if not steered:
        raise InputError(
            "high_low: features is 'steered', but no feature is steered; name features by number"
        )
    return steered


def features_of(features: anndata.AnnData, asked: HighLowConfig) -> list[int]:
    """Features that are of a type, those that stand out in it most first.

    Local ones that are named for it; where there is none, those that are named for it, or all that
    are live. Of these, ones that so few of the type's cells activate that no two would be high are
    passed over as long as there are others.
    """
    var = features.var
    named = (var["top_cell_type"].astype(str) == asked.cell_type).to_numpy()
    live = (var["n_active"] > 0).to_numpy()
    pools = ((var["type"] == "local").to_numpy() & named, named, live)
    enough = _has_high_cells(features, asked)
    found = next(
        (
            np.flatnonzero(pool)
            for pool in (*(pool & enough for pool in pools), *pools)
            if pool.any()
        ),
        np.arange(0),
    )
    place = [str(name) for name in features.uns["cell_types"]].index(asked.cell_type)
    z = np.nan_to_num(np.asarray(features.varm["type_z"])[found, place], nan=-np.inf)
    return [int(number) for number in found[np.argsort(-z, kind="stable")][: asked.n_features]]


def _has_high_cells(features: anndata.AnnData, asked: HighLowConfig) -> NDArray[np.bool_]:
    """Whether more than one active cell of the type lies above the percentile, (n_features,)."""
    of_type = (features.obs["cell_type"].astype(str) == asked.cell_type).to_numpy()
    n_active = np.asarray((features.X[of_type] > 0).sum(axis=0)).ravel()
    return (n_active - 1) * asked.percent > 100


def activations_of(features: anndata.AnnData, feature: int) -> NDArray[np.float64]:
    """Activation of one feature in all cells; raises :class:`InputError` if it is none, or dead."""
    if feature >= features.n_vars:
        raise InputError(
            f"high_low: there is no feature {feature}; there are 0 to {features.n_vars - 1}"
        )
    values = np.asarray(features.X[:, [feature]].todense(), dtype=np.float64).ravel()
    if not values.any():
        raise InputError(f"high_low: feature {feature} is dead: no cell activates it")
    return values
