"""What a run makes, by name: autoencoders, sweeps, embeddings, SAEs, annotations, controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from featurelens.autoencoder.config import AutoencoderConfig
from featurelens.config.run import RunConfig
from featurelens.config.simulation_run import OBSERVABLES
from featurelens.controls.plan import controlled
from featurelens.downloads.config import belongs_to
from featurelens.features.sources import parse_source
from featurelens.options import as_plain
from featurelens.places import Place
from featurelens.planning.contrasts import ways_of
from featurelens.sweeps.points import select_points


@dataclass(frozen=True)
class SweepName:
    """A sweep, as it stands in paths, and the simulation or data set that it is over."""

    name: str
    source: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Plan:
    """Names of all that a checked configuration asks for, each list in the order of its file."""

    config: RunConfig

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The configuration as dictionaries, lists and numbers, as jobs get it."""
        return as_plain(self.config)

    @property
    def root(self) -> str:
        """Folder of the results."""
        return f"results/{self.config.run}"

    # ---- What others bring ----

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Files of others that are downloaded, by their path, and how."""
        return {block["path"]: block for block in self.plain["downloads"].values()}

    @cached_property
    def user_files(self) -> dict[str, Any]:
        """Parts of the configuration that name files of the user's, as they are checked."""
        parts = {key: self.plain[key] for key in ("datasets", "collections", "claims")}
        return parts | {"universe": self.plain["enrichment"]["universe"]}

    def existing(self, path: str | None, exists: Callable[[str], bool]) -> list[str]:
        """A file of the configuration as an input: downloads always, a user's own once it exists.

        What does not exist is reported by the check of all inputs. A folder stands for the
        downloads below it.
        """
        if not path:
            return []
        fetched = [resource for resource in self.resources if belongs_to(resource, path)]
        return fetched or ([path] if exists(path) else [])

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

    # ---- Real cells ----

    @cached_property
    def bundles(self) -> list[Place]:
        """Every embedding of real cells."""
        return [
            Place(dataset, model)
            for dataset, block in self.config.datasets.items()
            for model in block.models
        ]

    @cached_property
    def saes(self) -> list[Place]:
        """Every SAE that is trained on one of them."""
        return [
            bundle.within(sae)
            for bundle in self.bundles
            for sae in self.config.datasets[bundle.dataset].chosen_saes(self.config.saes)
        ]

    @cached_property
    def steered(self) -> list[Place]:
        """SAEs that cells are steered with."""
        return [sae for sae in self.saes if self.config.datasets[sae.dataset].steering is not None]

    @cached_property
    def annotated(self) -> list[Place]:
        """SAEs with each collection of gene sets that covers their cells."""
        return [
            sae.within(name)
            for sae in self.saes
            for name, collection in self.config.collections.items()
            if collection.covers(sae.dataset)
        ]

    @cached_property
    def first_annotated(self) -> list[Place]:
        """The first data set, SAE and collection, in every embedding."""
        return [
            place
            for place in self.annotated
            if (place.dataset, place.sae, place.collection)
            == (self.annotated[0].dataset, self.annotated[0].sae, self.annotated[0].collection)
        ]

    def summaries(self, place: Place) -> list[str]:
        """Summaries of every contrast and convention; those of controls and repeats are global."""
        tests = ways_of(place.sae, list(self.config.saes), self.config.dge.contrasts)
        return [f"{self.root}/enrichment/{place}/summary_{test}.tsv" for test in tests]

    def enrichment(self, sae: str) -> dict[str, Any]:
        """Tests of gene sets; controls and repeats have nulls of their own."""
        tests, controls = self.plain["enrichment"], self.config.controls
        if sae in self.config.saes:
            return tests
        own: dict[str, Any] = {"nulls": self.plain["controls"]["nulls"]}
        if controls.n_permutations is not None:
            own["n_permutations"] = controls.n_permutations
        return tests | own

    @cached_property
    def own(self) -> list[Place]:
        """Those of the user's own cells, which are seen as maps."""
        return [
            place
            for place in self.annotated
            if self.config.datasets[place.dataset].cells.kind == "h5ad"
        ]

    @cached_property
    def followed(self) -> list[Place]:
        """Those whose features GSEA looks at: of one collection, by default the first."""
        if self.config.gsea is None:
            return []
        chosen = self.config.gsea.collection or first(self.config.collections)
        return [place for place in self.annotated if place.collection == chosen]

    @cached_property
    def controlled(self) -> list[Place]:
        """SAEs that are controlled, their controls and repeats."""
        annotated = [str(place) for place in self.annotated]
        names = controlled(self.config.controls, annotated, self.config.saes)
        return [Place.parse(name) for name in names]

    @cached_property
    def compared(self) -> list[Place]:
        """Those annotated and further seeds of them, which say how alike two runs are."""
        seeds = (place for place in self.controlled if parse_source(place.sae).kind == "sae")
        return list(dict.fromkeys([*self.annotated, *seeds]))

    @cached_property
    def beside(self) -> list[Place]:
        """Controls whose share of annotated features stands beside the SAE's own."""
        return [place for place in self.controlled if place.sae.endswith((".untrained", ".random"))]

    def _simulations(self, wanted: Any) -> list[str]:
        return [name for name, block in self.config.simulations.items() if wanted(block)]

    def _of_kind(self, kind: str, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.config.simulations[name].data.kind == kind]


def first(values: Iterable[Any]) -> Any:
    """The first value, or None where there is none."""
    return next(iter(values), None)
