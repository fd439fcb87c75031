"""How a run's simulations are written: what is drawn, what embeds it, what decomposes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge
from pydantic import Field

from featurelens.autoencoder import AutoencoderConfig
from featurelens.options import STRICT, Name
from featurelens.search import SearchConfig
from featurelens.simulation import REGULATION, HierarchicalSimulation, SimulationConfig
from featurelens.superposed import ZipfSimulation
from featurelens.sweep_config import PERCENTILES

OBSERVABLES = "observables"
"""What a sweep calls the cells of the zipf simulation, which are an embedding by themselves."""


@dataclass(frozen=True, kw_only=True)
class BaselineConfig:
    """Linear decompositions of the observables that the SAEs are compared with."""

    __pydantic_config__ = STRICT

    methods: tuple[Literal["pca", "ica", "svd", "nmf"], ...] = ("pca", "ica", "svd")
    """Which decompositions."""
    n_components: Annotated[int, Ge(1)] = 4
    """Components to ask for; more than the rank of the data are never kept."""
    n_cells: Annotated[int, Ge(0)] = 0
    """Training cells, evenly spaced, that are decomposed and measured; 0 takes all cells of the
    simulation."""
    seed: int = 0
    """Seed of FastICA and of the randomised SVD."""


@dataclass(frozen=True, kw_only=True)
class ChanceConfig:
    """Random neurons that go through the scores of structure recovery."""

    __pydantic_config__ = STRICT

    n_neurons: Annotated[int, Ge(1)] = 12_000
    """How many; the SAE that the paper analyses has 11,849 live ones."""
    percentiles: tuple[Annotated[float, Ge(0)], ...] = PERCENTILES
    """Percentiles whose share of edges they have."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of their edges."""


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

    @property
    def trained(self) -> dict[str, AutoencoderConfig]:
        """Every autoencoder by the name of its folder."""
        return {
            full: config
            for name, block in self.autoencoders.items()
            for full, config in block.each(name).items()
        }
