"""How a run's simulations are written: what is drawn, what embeds it, what decomposes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import Field

from featurelens.autoencoder.config import AutoencoderConfig, SearchConfig
from featurelens.options import STRICT, Name
from featurelens.recovery.config import BaselineConfig, ChanceConfig
from featurelens.simulation.config import (
    REGULATION,
    HierarchicalSimulation,
    SimulationConfig,
    ZipfSimulation,
)

OBSERVABLES = "observables"
"""What a sweep calls the cells of the zipf simulation, which are an embedding by themselves."""


@dataclass(frozen=True, kw_only=True)
class SimulationRun:
    """One simulation and what is trained and measured on it."""

    __pydantic_config__ = STRICT

    data: Annotated[SimulationConfig, Field(discriminator="kind")]
    """The generative process."""
    autoencoders: dict[Name, AutoencoderConfig] = field(default_factory=dict)
    """Autoencoders trained on the observables, by name; a list under seed or convention makes one
    of each. The zipf simulation needs none."""
    probe: Literal["gradient", "least_squares"] = "gradient"
    """Linear probe of the published superposition score (the author used both)."""
    probe_epochs: Annotated[int, Ge(1)] = 100
    """Most epochs of the gradient-trained probe; the author's 100 are 70,000 steps at full size."""
    ceiling_epochs: Annotated[int, Ge(1)] | None = None
    """The same on the observables themselves, whose probe is larger; null: as probe_epochs."""
    baselines: BaselineConfig = field(default_factory=BaselineConfig)
    """Decompositions of the observables."""
    chance: ChanceConfig | None = None
    """Chance levels of structure recovery on the connectivity of a hierarchical simulation."""

    def __post_init__(self) -> None:
        if self.data.kind == "zipf" and "nmf" in self.baselines.methods:
            raise ValueError(
                "baselines.methods names nmf, but the vectors of the zipf simulation have negative "
                "values; drop it there"
            )
        if self.chance is not None and self.data.kind != "hierarchical":
            raise ValueError(
                "chance needs the connectivity of a hierarchical simulation, "
                f"not a {self.data.kind} one; drop it"
            )

    search: SearchConfig | None = None
    """Search for hyperparameters of autoencoders; made when the target search is asked for."""

    @property
    def n_observed(self) -> int:
        """How many observables a cell has."""
        if isinstance(self.data, HierarchicalSimulation):
            return self.data.n_genes
        return (
            self.data.n_dimensions if isinstance(self.data, ZipfSimulation) else len(REGULATION[0])
        )

    @property
    def is_implicit(self) -> bool:
        """Whether the observables are not stored."""
        return getattr(self.data, "observables", "stored") == "implicit"

    @cached_property
    def trained(self) -> dict[str, AutoencoderConfig]:
        """Every autoencoder by the name of its folder."""
        return {
            full: config
            for name, block in self.autoencoders.items()
            for full, config in block.each(name).items()
        }
