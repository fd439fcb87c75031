"""The same edit in cells of further types (paper section 5.2, Figures 2B and S21)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.steering import records
from featurelens.steering.config import SteeringConfig
from featurelens.steering.edits import SparseAutoencoder
from featurelens.steering.genes import EFFECT_COLUMNS
from featurelens.steering.stage import Stage

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.bundle import Bundle


@dataclass(frozen=True, eq=False)
class Further:
    """What the edit did in further types."""

    effects: pd.DataFrame
    """As :attr:`featurelens.steering.study.Study.effects`, behind a column origin, without what
    was measured of the true difference."""
    trajectories: anndata.AnnData
    """Steered cells of all further types."""
    control_effects: anndata.AnnData
    """Controls of every origin x genes."""


def steer_further(
    sae: SparseAutoencoder,
    bundle: Bundle,
    features: anndata.AnnData,
    config: SteeringConfig,
    selected: pd.DataFrame,
) -> Further:
    """Edit the global feature of a study in the cells of ``config.further_origins``.

    Parameters
    ----------
    sae, bundle, features, config
        As :func:`featurelens.steering.study.steer_cells`.
    selected
        Of that study; its first row is the global feature.

    Raises
    ------
    InputError
        If a type is not among the cells, or has too few.
    """
    import anndata

    choice = {str(name): value for name, value in selected.iloc[0].items()}
    effects, trajectories, controls = [], [], []
    for origin in config.further_origins:
        here = replace(config, origin=origin, further_origins=(), pictured=None)
        stage = Stage(sae, bundle, features, here)
        steered = stage.edit(choice)
        null = stage.null(steered)
        if stage.reading is not None:
            genes = records.effects(stage, [steered], [null], None)
            effects.append(genes.assign(origin=origin))
        trajectories.append(records.trajectories(stage, [steered]))
        controls.append(records.control_effects(stage, [steered], [null]))
        controls[-1].obs["origin"] = origin
    columns = ["origin", *EFFECT_COLUMNS]
    return Further(
        effects=pd.concat(effects, ignore_index=True)[columns]
        if effects
        else pd.DataFrame(columns=columns),
        trajectories=anndata.concat(trajectories),
        control_effects=anndata.concat(controls, index_unique="-", merge="same"),
    )
