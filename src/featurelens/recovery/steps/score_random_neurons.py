"""Score random neurons as structure recovery scores those of an SAE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from featurelens.options import build
from featurelens.recovery.config import ChanceConfig
from featurelens.recovery.structure_chance import chance_structure

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

INPUTS = {"data": "simulation/{simulation}/data.h5ad"}
OUTPUTS = {"table": "simulation/{simulation}/chance_structure.tsv"}
PARAMS = {"config": "simulations/{simulation}/chance"}
MEMORY = "chance_memory"
MINUTES = 60


def make(data: AnnData, *, config: Mapping[str, Any]) -> pd.DataFrame:
    """Score random neurons against the connectivity of a simulation."""
    return chance_structure(data, build(ChanceConfig, config))
