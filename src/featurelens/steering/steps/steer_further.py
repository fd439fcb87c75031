"""Edit the global feature of a study in cells of further types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from featurelens.embeddings.bundle import read_bundle
from featurelens.io import in_folder
from featurelens.options import build
from featurelens.sae.model import load
from featurelens.steering.config import SteeringConfig
from featurelens.steering.further import steer_further

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.embeddings.bundle import Bundle
    from featurelens.means import Means
    from featurelens.sae.model import SAE

INPUTS = {
    "bundle": "embeddings/{dataset}/{model}/{of_bundle}",
    "sae": "sae/{dataset}/{model}/{sae}/{of_weights}",
    "features": "features/{dataset}/{model}/{sae}/features.h5ad",
    "selected": "steering/{dataset}/{model}/{sae}/selected.tsv",
}
READERS = {"bundle": in_folder(read_bundle), "sae": in_folder(load)}
OUTPUTS = {
    "effects": "steering/{dataset}/{model}/{sae}/further_effects.parquet",
    "trajectories": "steering/{dataset}/{model}/{sae}/further_trajectories.h5ad",
    "control_effects": "steering/{dataset}/{model}/{sae}/further_control_effects.h5ad",
}
PARAMS = {"config": "datasets/{dataset}/steering"}
MEMORY = "steer"
MINUTES = 60


def make(
    bundle: Bundle,
    sae: SAE,
    features: AnnData,
    selected: pd.DataFrame,
    *,
    config: Mapping[str, Any],
    means: Means,
) -> tuple[pd.DataFrame, AnnData, AnnData]:
    """Steer cells of further types with the feature that a study selected first."""
    further = steer_further(sae, bundle, features, build(SteeringConfig, config), selected)
    means.log(f"{further.trajectories.n_obs} rows of cells of further types")
    return further.effects, further.trajectories, further.control_effects
