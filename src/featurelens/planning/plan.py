"""What a run makes, by name: autoencoders, sweeps, embeddings, SAEs, annotations, controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from featurelens.controls.plan import controlled
from featurelens.downloads.config import belongs_to
from featurelens.features.sources import TRAINED_AS, parse_source, relatives
from featurelens.genesets.config import annotated_with
from featurelens.places import Place
from featurelens.planning.contrasts import ways_of
from featurelens.planning.imported import imported_of
from featurelens.planning.simulation_plan import SimulationPlan, first


@dataclass(frozen=True)
class Plan(SimulationPlan):
    """Names of all that a checked configuration asks for, each list in the order of its file."""

    # ---- What others bring ----

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Files of others that are downloaded, by their path, and how."""
        return {block["path"]: block for block in self.plain["downloads"].values()}

    @cached_property
    def user_files(self) -> dict[str, Any]:
        """Parts of the configuration that name files of the user's, as they are checked."""
        parts = {key: self.plain[key] for key in ("datasets", "collections", "claims")}
        tests = self.plain["enrichment"]
        asked = ("universe", "min_genes", "max_genes")
        parts |= {"tests": {key: tests[key] for key in asked}, "named": self.named_features}
        return parts | {"saes": imported_of(self.plain, self.saes)}

    @cached_property
    def named_features(self) -> list[dict[str, Any]]:
        """The highest number of a feature that a key names, in each SAE that must have it."""
        gsea, chosen = self.config.gsea, self.config.dge.chosen
        asked = [("dge.chosen", chosen, self.saes)]
        asked += [
            (f"datasets.{name}.high_low[{number}].features", each.numbers, places)
            for name, block in self.config.datasets.items()
            for number, each in enumerate(block.high_low)
            for places in [[sae for sae in self.saes if sae.dataset == name]]
        ]
        if gsea is not None:
            asked.append(("gsea.features", gsea.features, self.followed))
        for name, block in self.config.datasets.items():
            if block.steering is not None:
                places = [place for place in self.steered if place.dataset == name]
                asked.append(
                    (f"datasets.{name}.steering.features", block.steering.features, places)
                )
        return [
            {"key": key, "number": max(numbers), "embedding": place.embedding, "sae": place.sae}
            | {"config": self.plain["saes"][place.sae]}
            for key, numbers, places in asked
            if numbers
            for place in places
        ]

    def existing(self, path: str | None, exists: Callable[[str], bool]) -> list[str]:
        """A file of the configuration as an input: downloads always, a user's own once it exists.

        What does not exist is reported by the check of all inputs. A folder stands for the
        downloads below it.
        """
        if not path:
            return []
        fetched = [resource for resource in self.resources if belongs_to(resource, path)]
        return fetched or ([path] if exists(path) else [])

    @cached_property
    def unions(self) -> list[str]:
        """Collections that are made of others."""
        return [name for name, block in self.config.collections.items() if block.union]

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

    def counterparts(self, name: str) -> dict[str, str]:
        """Trained controls of an SAE that the run makes anyway, by kind."""
        controls = {place.source for place in self.controlled}
        found = {kind: f"{name}.{kind}" for kind in TRAINED_AS}
        return {kind: control for kind, control in found.items() if control in controls}

    @cached_property
    def steered_further(self) -> list[Place]:
        """Those of them with which cells of further types are steered too."""
        blocks = self.config.datasets
        return [
            sae
            for sae in self.steered
            if (steering := blocks[sae.dataset].steering) and steering.further_origins
        ]

    @cached_property
    def studied(self) -> Place | None:
        """The SAE that figures of one show: the one that stands for the paper's on multiDGD.

        Where the config names none, cells are steered with it where any are, and its model is not
        Geneformer where there is another.
        """
        named = [place for place in self.saes if str(place) == self.config.paper.multidgd]
        pool = named or self.steered or self.saes
        return first([place for place in pool if not self._is_geneformer(place)] or pool)

    @cached_property
    def second(self) -> Place | None:
        """The SAE beside it: the one that stands for the paper's on Geneformer.

        Where the config names none, the same SAE of the same cells on another model, on Geneformer
        where the run has it.
        """
        named = [place for place in self.saes if str(place) == self.config.paper.geneformer]
        others = named or [
            place
            for place in self.saes
            if self.studied is not None
            and (place.dataset, place.sae) == (self.studied.dataset, self.studied.sae)
            and place.model != self.studied.model
        ]
        return first([place for place in others if self._is_geneformer(place)] or others)

    def _is_geneformer(self, place: Place) -> bool:
        return self.config.datasets[place.dataset].models[place.model].kind == "geneformer"

    def concepts_of(self, sae: Place | None) -> Place | None:
        """The collection by which figures map the features of an SAE: the paper's, or the first."""
        of_sae = [place for place in self.annotated if place.source == str(sae)]
        named = [place for place in of_sae if place.collection == self.config.paper.collection]
        return first(named or of_sae)

    @cached_property
    def trajectories(self) -> dict[str, Any]:
        """Trajectories of the datasets that have some."""
        blocks = self.plain["datasets"].items()
        return {name: block["trajectories"] for name, block in blocks if block["trajectories"]}

    @cached_property
    def studied_trajectory(self) -> dict[str, Any] | None:
        """The trajectory that figures show: the paper's, the one steered along, or the first."""
        if self.studied is None or self.studied.dataset not in self.trajectories:
            return None
        known, block = self.trajectories[self.studied.dataset], self.config.datasets
        steering = block[self.studied.dataset].steering
        asked = (self.config.paper.trajectory, steering.trajectory if steering else None)
        name = first([*(name for name in asked if name in known), *known])
        return {"name": name} | known[name]

    @cached_property
    def contrasted(self) -> list[Place]:
        """SAEs whose features are compared between groups of cells."""
        return [sae for sae in self.saes if self.config.datasets[sae.dataset].comparisons]

    @cached_property
    def divided(self) -> list[Place]:
        """SAEs of which high and low cells of a type are compared."""
        return [sae for sae in self.saes if self.config.datasets[sae.dataset].high_low]

    @cached_property
    def guided(self) -> list[Place]:
        """SAEs of which features that follow a trajectory are sought."""
        return [sae for sae in self.saes if sae.dataset in self.trajectories]

    def seeds_of(self, sae: Place) -> list[str]:
        """The same SAE with other seeds: further SAEs of the run, and repeats of controls."""
        kin = relatives(self.config.saes)
        family = parse_source(sae.sae).family(kin)
        here = (each for each in (*self.saes, *self.compared) if each.embedding == sae.embedding)
        names = dict.fromkeys(each.source for each in here if each.sae != sae.sae)
        return [name for name in names if parse_source(Place.parse(name).sae).family(kin) == family]

    @cached_property
    def reseeded(self) -> list[Place]:
        """SAEs that the run has with several seeds."""
        return [sae for sae in self.saes if self.seeds_of(sae)]

    @cached_property
    def annotated(self) -> list[Place]:
        """SAEs with each collection of gene sets that their cells are annotated with."""
        return [
            sae.within(name)
            for sae in self.saes
            for name in annotated_with(self.config.collections, sae.dataset)
        ]

    @cached_property
    def steered_stages(self) -> list[str]:
        """Stages of the trajectory that the first SAE is steered along, if it is along one."""
        place = first(self.steered)
        block = self.config.datasets[place.dataset] if place else None
        name = block.steering.trajectory if block and block.steering else None
        return list(block.trajectories[name].stages) if block and name else []

    @cached_property
    def steered_annotated(self) -> list[Place]:
        """SAEs that cells are steered with, with each collection of gene sets."""
        steered = {str(place) for place in self.steered}
        return [place for place in self.annotated if place.source in steered]

    @cached_property
    def first_annotated(self) -> list[Place]:
        """The first data set, SAE and collection, in every embedding."""
        return [
            place
            for place in self.annotated
            if (place.dataset, place.sae, place.collection)
            == (self.annotated[0].dataset, self.annotated[0].sae, self.annotated[0].collection)
        ]

    def tests_of(self, sae: str) -> list[str]:
        """Contrast and convention of every test of a source; those of controls are global."""
        return ways_of(sae, list(self.config.saes), self.config.dge.contrasts)

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
        chosen = self.config.gsea.collection or first([each.collection for each in self.annotated])
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
    def seeded(self) -> list[Place]:
        """SAEs that differ by their seed alone, those of the config and their repeats."""
        relative = relatives(self.config.saes)
        known = dict.fromkeys([*self.saes, *(Place.parse(place.source) for place in self.compared)])
        families = {
            place: f"{place.embedding}/{parse_source(place.sae).family(relative)}"
            for place in known
        }
        counts = Counter(families.values())
        return [place for place, family in families.items() if counts[family] > 1]

    @cached_property
    def beside(self) -> list[Place]:
        """Controls whose share of annotated features stands beside the SAE's own."""
        return [place for place in self.controlled if place.sae.endswith((".untrained", ".random"))]
