"""Simulate cells with known truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from featurelens.options import build
from featurelens.simulation.config import SimulationConfig
from featurelens.simulation.simulate import simulate

if TYPE_CHECKING:
    from anndata import AnnData

    from featurelens.means import Means

OUTPUTS = {"data": "simulation/{simulation}/data.h5ad"}
PARAMS = {"config": "simulations/{simulation}/data"}
MEMORY = "simulate_memory"
MINUTES = 30


def make(*, config: Mapping[str, Any], means: Means) -> AnnData:
    """Draw a simulation by its block of the config."""
    data = simulate(build(SimulationConfig, config))
    means.log(f"{data.n_obs} cells x {data.n_vars} observables")
    return data
