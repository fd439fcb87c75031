"""What a run makes of simulations, by name: autoencoders, and sweeps over them and over cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.config.run import RunConfig
from featurelens.config.simulation_run import OBSERVABLES
from featurelens.options import as_plain
from featurelens.sweeps.points import select_points


@dataclass(frozen=True)
class SweepName:
    """A sweep, as it stands in paths, and the simulation or data set that it is over."""

    name: str
    source: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class SimulationPlan:
    """Names of all that is made of simulations, each list in the order of the file."""

    config: RunConfig

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The configuration as dictionaries, lists and numbers, as jobs get it."""
        return as_plain(self.config)

    @property
    def root(self) -> str:
        """Folder of the results."""
        return f"results/{self.config.run}"

    # ---- Simulations, and what is trained on them ----

    @cached_property
    def autoencoders(self) -> dict[str, AutoencoderConfig]:
        """Every autoencoder, as ``simulation/autoencoder``."""
        return {
            f"{simulation}/{name}": autoencoder
            for simulation, block in self.config.simulations.items()
            for name, autoencoder in block.trained.items()
        }

    @cached_property
    def embedded(self) -> list[str]:
        """Simulations that autoencoders embed; the ceiling of all of them is that of Y."""
        return self._simulations(lambda block: block.autoencoders and block.data.kind != "zipf")

    @cached_property
    def hierarchical(self) -> list[str]:
        """Simulations whose observables are sums of programs."""
        return self._simulations(lambda block: block.data.kind == "hierarchical")

    @cached_property
    def chanced(self) -> list[str]:
        """Simulations with chance levels of structure recovery."""
        return self._simulations(lambda block: block.chance is not None)

    @cached_property
    def decomposed(self) -> list[str]:
        """Simulations that are decomposed; one that only serves chance levels need not be."""
        return self._simulations(lambda block: block.baselines.methods)

    @cached_property
    def searches(self) -> dict[str, dict[str, Any]]:
        """Studies of hyperparameters, as ``simulation/shape``, and the shape of each."""
        return {
            f"{simulation}/{name}": {"simulation": simulation} | shape
            for simulation, shapes in self.shapes.items()
            for name, shape in shapes.items()
        }

    @cached_property
    def shapes(self) -> dict[str, dict[str, Any]]:
        """Latent size, depth and width that a simulation's studies search for, by their names."""
        return {
            name: block.search.shapes if block.search is not None else {}
            for name, block in self.config.simulations.items()
        }

    def searched(self, simulation: str, shape: str) -> AutoencoderConfig:
        """Autoencoders of a study."""
        return AutoencoderConfig(**self.shapes[simulation][shape])

    @cached_property
    def small_simulation(self) -> str | None:
        """The first simulation of the small kind that autoencoders embed."""
        return first(self._of_kind("small", self.embedded))

    # ---- Sweeps ----

    @cached_property
    def stacks(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Points of every stack of every sweep, as jobs train them."""
        return {name: sweep.stacks() for name, sweep in self.config.sweeps.items()}

    def points(self, sweep: str) -> list[dict[str, Any]]:
        """Every point of a sweep, sorted by id."""
        points = (point for stack in self.stacks[sweep].values() for point in stack)
        return sorted(points, key=lambda point: point["id"])

    def structure_points(self, sweep: str) -> list[str]:
        """Ids of the points whose connectivity is recovered."""
        structure = self.config.sweeps[sweep].structure
        return select_points(self.stacks[sweep], structure.select) if structure else []

    def trained_cells(self, sweep: str) -> int | None:
        """How many cells of the embedding a sweep is trained on; None takes all."""
        return self.config.sweeps[sweep].n_cells or None

    def simulation_file(self, sweep: str) -> str:
        """The simulation whose truth a sweep is measured against."""
        return f"{self.root}/simulation/{self.sweeps[sweep].source}/data.h5ad"

    def embedding_file(self, sweep: str) -> str:
        """The embedding that a sweep's SAEs are trained on."""
        embedding = self.config.sweeps[sweep].embedding
        if self.sweeps[sweep] in self.superposed_sweeps:
            return self.simulation_file(sweep)
        if self.sweeps[sweep] in self.simulated_sweeps:
            return f"{self.root}/autoencoder/{embedding}/embedding.h5ad"
        return f"{self.root}/embeddings/{embedding}/cells.h5ad"

    @property
    def measured_on(self) -> dict[str, Callable[[str], str]]:
        """What measures of a sweep read, by the names they use for it."""
        return {
            "data": self.simulation_file,
            "embedding": self.embedding_file,
            "trained_on": self.embedding_file,
        }

    @cached_property
    def sweeps(self) -> dict[str, SweepName]:
        """Every sweep by its name."""
        return {name: SweepName(name, sweep.source) for name, sweep in self.config.sweeps.items()}

    @cached_property
    def simulated_sweeps(self) -> list[SweepName]:
        """Sweeps over embeddings of simulations, where the truth is known."""
        return [sweep for sweep in self.sweeps.values() if sweep.source in self.config.simulations]

    @cached_property
    def superposed_sweeps(self) -> list[SweepName]:
        """Sweeps over observables themselves, which hold more variables than dimensions."""
        return [
            sweep
            for sweep in self.simulated_sweeps
            if self.config.sweeps[sweep.name].embedding == f"{sweep.source}/{OBSERVABLES}"
        ]

    @cached_property
    def cell_sweeps(self) -> list[SweepName]:
        """Sweeps over embeddings of real cells."""
        return [sweep for sweep in self.sweeps.values() if sweep not in self.simulated_sweeps]

    @cached_property
    def seeded_sweeps(self) -> list[SweepName]:
        """Sweeps with several seeds of one SAE, which are compared."""
        return [each for name, each in self.sweeps.items() if self.config.sweeps[name].has_seeds]

    @cached_property
    def structured_sweeps(self) -> list[SweepName]:
        """Sweeps whose SAEs are asked for the connectivity of the simulation."""
        return [each for name, each in self.sweeps.items() if self.config.sweeps[name].structure]

    @cached_property
    def small_sweep(self) -> SweepName | None:
        """The first sweep over a simulation of the small kind."""
        small = self._of_kind("small", [sweep.source for sweep in self.simulated_sweeps])
        return first(sweep for sweep in self.simulated_sweeps if sweep.source in small)

    @cached_property
    def structure_sweep(self) -> SweepName | None:
        """Of the sweeps with connectivity the one over the largest embedding."""
        return max(
            self.structured_sweeps,
            key=lambda sweep: self.autoencoders[self.config.sweeps[sweep.name].embedding].latent,
            default=None,
        )

    def _simulations(self, wanted: Any) -> list[str]:
        return [name for name, block in self.config.simulations.items() if wanted(block)]

    def _of_kind(self, kind: str, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.config.simulations[name].data.kind == kind]


def first(values: Iterable[Any]) -> Any:
    """The first value, or None where there is none."""
    return next(iter(values), None)
