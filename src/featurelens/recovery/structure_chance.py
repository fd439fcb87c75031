"""Structure that neurons find by chance: the same scores of random connectivities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.recovery.structure_scores import random_neurons

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.recovery.config import ChanceConfig


def chance_structure(data: AnnData, config: ChanceConfig) -> pd.DataFrame:
    """Scores of structure recovery from random neurons, on the simulation's own connectivity.

    Returns
    -------
    DataFrame
        As :func:`featurelens.recovery.structure_scores.random_neurons`.
    """
    return random_neurons(
        np.asarray(data.varm["connectivity"]),
        config.percentiles,
        n_neurons=config.n_neurons,
        seed=config.seed,
    )
