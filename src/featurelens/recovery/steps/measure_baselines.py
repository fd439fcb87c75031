"""Decompose the observables linearly and measure what the components recover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from featurelens.options import build
from featurelens.recovery.baseline_scores import measure_baselines
from featurelens.recovery.config import BaselineConfig

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from featurelens.means import Means

INPUTS = {"data": "simulation/{simulation}/data.h5ad"}
OUTPUTS = {"table": "baselines/{simulation}/recovery.tsv"}
PARAMS = {"config": "simulations/{simulation}/baselines"}
MEMORY = "baselines_memory"
MINUTES = "baselines_runtime"


def make(data: AnnData, *, config: Mapping[str, Any], means: Means) -> pd.DataFrame:
    """Measure what decompositions of a simulation recover of its variables."""
    return measure_baselines(data, build(BaselineConfig, config), log=means.log)
