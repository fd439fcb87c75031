"""What rules ask of a plan, by the wildcards of a job: its inputs, settings and sizes.

Each method returns, or is, a function of wildcards (an object with the parts of a path as
attributes, and ``get``), as rules take them. Sizes are functions of :mod:`.sizes`,
:mod:`.sweep_sizes` and :mod:`.memory`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any, get_args

from featurelens.features.sources import parse_source, trained_config
from featurelens.options import as_plain
from featurelens.places import Place
from featurelens.planning import sizes
from featurelens.planning.measures import Measure
from featurelens.planning.memory import Stage, job_sizes, megabytes
from featurelens.planning.plan import Plan
from featurelens.planning.steps import Step
from featurelens.planning.sweep_sizes import dimensions, widest
from featurelens.sae.config import ImportedSAE, for_embedding, to_import
from featurelens.sae.listing import given_files

OfWildcards = Callable[[Any], Any]
OfAttempt = Callable[[Any, Any, int], int]

BUNDLE_FILES = ["cells.h5ad", "decoder.json", "decoder.safetensors", "bundle.json"]
"""What jobs read that decode."""
WEIGHT_FILES = ["cfg.json", "sae_weights.safetensors"]
_BRACES = re.compile(r"\{(\w+)\}")


def growing(amount: int | OfWildcards) -> Callable[[Any, int], int]:
    """Megabytes or minutes that a job asks for, once more as much at every attempt.

    Snakemake repeats a job that failed with what it had before, unless the amount depends on the
    attempt (docs/snakemake.md).

    Examples
    --------
    >>> [growing(60)(None, attempt) for attempt in (1, 2)]
    [60, 120]
    """

    def asked(wildcards: Any, attempt: int) -> int:
        return attempt * int(amount(wildcards) if callable(amount) else amount)

    return asked


def _exists(path: str) -> bool:
    return Path(path).exists()


@dataclass(frozen=True)
class Jobs:
    """Functions of wildcards over one plan."""

    plan: Plan

    def setting(self, path: str, *, within: Any = None) -> OfWildcards:
        """The value at a path of the config, whose parts may be wildcards in braces."""

        def find(wildcards: Any) -> Any:
            here = self.plan.plain if within is None else within
            for part in path.split("/"):
                here = here[part.format(**dict(wildcards.items()))]
            return here

        return find

    # ---- Simulations ----

    def of_simulation(self, value: Callable[[Any], Any]) -> OfWildcards:
        """A value of the simulation of a job."""
        return lambda wildcards: value(self.plan.config.simulations[wildcards.simulation])

    def of_autoencoder(self, value: Callable[[Any, Any], Any]) -> OfWildcards:
        """A value of a simulation and an autoencoder of it."""

        def found(wildcards: Any) -> Any:
            simulation, name = wildcards.simulation, wildcards.autoencoder
            autoencoder = self.plan.autoencoders[f"{simulation}/{name}"]
            return value(self.plan.config.simulations[simulation], autoencoder)

        return found

    def of_search(self, value: Callable[[Any, Any], Any]) -> OfWildcards:
        """A value of a simulation and the autoencoders of one shape."""

        def found(wildcards: Any) -> Any:
            autoencoder = self.plan.searched(wildcards.simulation, wildcards.shape)
            return value(self.plan.config.simulations[wildcards.simulation], autoencoder)

        return found

    # ---- Sweeps ----

    def of_sweep(self, value: Callable[[str], Any]) -> OfWildcards:
        """A value of a sweep by its name."""
        return lambda wildcards: value(wildcards.sweep)

    def of_stack(self, size: Callable[[int, int], int]) -> OfWildcards:
        """A size of a stack of SAEs, by its dimensions and its widest SAE."""

        def found(wildcards: Any) -> int:
            widest_sae = widest(self.plan, wildcards.sweep, wildcards.stack)
            return size(dimensions(self.plan, wildcards.sweep), widest_sae)

        return found

    def stack_tables(self, kind: str | Path) -> OfWildcards:
        """One table of every stack of a sweep."""

        def found(wildcards: Any) -> list[str]:
            folder = f"{self.plan.root}/sweeps/{wildcards.sweep}/{kind}"
            return [f"{folder}/{stack}.parquet" for stack in self.plan.stacks[wildcards.sweep]]

        return found

    def measuring(self, measure: str, size: Callable[..., int]) -> OfWildcards:
        """A size of a measure of a sweep, or of one of its stacks."""
        return lambda wildcards: size(self.plan, measure, wildcards.sweep, wildcards.get("stack"))

    def measured_values(self, measure: Measure) -> OfWildcards:
        """Blocks of the config that a measure of a sweep reads."""

        def found(wildcards: Any) -> dict[str, Any]:
            source = self.plan.sweeps[wildcards.sweep].source
            return measure.values(self.plan.plain, sweep=wildcards.sweep, source=source)

        return found

    # ---- Real cells ----

    def model(self, wildcards: Any) -> Any:
        """The model that makes a bundle."""
        return self.plan.config.datasets[wildcards.dataset].models[wildcards.model]

    def of_model(self, value: Callable[[Any], Any]) -> OfWildcards:
        """A value of the model that makes a bundle."""
        return lambda wildcards: value(self.model(wildcards))

    def tokens(self, wildcards: Any) -> list[str]:
        """What a job reads besides the cells of a bundle whose rows are tokens."""
        model, place = self.model(wildcards), Place(wildcards.dataset, wildcards.model)
        about = f"{self.plan.root}/embeddings/{place}/bundle.json"
        return [about, *model.files.values()] if model.has_token_rows else []

    def confirmed(self, tests: Iterable[str]) -> list[str]:
        """Tables of the terms of some tests that are confirmed on held-out cells, if any are."""
        asked = self.plan.config.enrichment.confirmation
        return [f"confirmed_{test}.tsv" for test in tests] if asked else []

    def environment(self, wildcards: Any) -> str:
        """Conda environment of a model: its own where it needs more than the core packages."""
        return f"../../envs/{self.model(wildcards).environment}.yaml"

    def sae(self, wildcards: Any) -> dict[str, Any]:
        """What to train: an SAE of the config, a repeat with another seed, or a control of it.

        Of one that was trained elsewhere, where it lies.
        """
        config = trained_config(wildcards.sae, self.plan.config.saes)
        if isinstance(config, ImportedSAE):
            return as_plain(config)
        return as_plain(for_embedding(config, is_given=self.model(wildcards).is_given))

    def sae_files(self, wildcards: Any) -> list[str]:
        """Files of an SAE that was trained elsewhere; none of one that the run trains."""
        return self.imported_files(wildcards.sae)

    def imported_files(self, *names: str) -> list[str]:
        """Files of SAEs that were trained elsewhere, those that the run downloads among them."""
        imported = to_import(self.plan.config.saes)
        paths = [imported[name].path for name in names if name in imported]
        found = [file for path in paths for file in self.plan.existing(path, _exists)]
        return [file for each in found for file in (given_files(each) if each in paths else [each])]

    def weights(self, wildcards: Any) -> list[str]:
        """Files of the weights that a source of features has; a control of the cells has none."""
        if parse_source(wildcards.sae).sae is None:
            return []
        folder = f"{self.plan.root}/sae/{Place(wildcards.dataset, wildcards.model, wildcards.sae)}"
        return [f"{folder}/{name}" for name in WEIGHT_FILES]

    # ---- Steps ----

    @cached_property
    def lists(self) -> dict[str, OfWildcards]:
        """What steps name in braces beside wildcards: lists of names, by the wildcards of a job."""
        plan = self.plan
        return {
            "of_bundle": lambda _: BUNDLE_FILES,
            "of_weights": lambda _: WEIGHT_FILES,
            "of_seeds": lambda wildcards: plan.seeds_of(_place(wildcards)),
            "of_modalities": lambda wildcards: _modalities(plan, wildcards.dataset),
            "of_steered": lambda wildcards: _divided(plan, _place(wildcards)),
            "of_tests": lambda wildcards: plan.tests_of(wildcards.sae),
        }

    def inputs(self, step: Step) -> dict[str, str | OfWildcards]:
        """Inputs of the rule of a step: a path, or a function of wildcards where it is several."""
        return {key: self._paths(f"{self.plan.root}/{path}") for key, path in step.inputs.items()}

    def values(self, step: Step) -> OfWildcards:
        """Parameters of a step by name, from the config and the plan."""
        asked = {key: self._value(path) for key, path in step.params.items()}
        return lambda wildcards: {key: value(wildcards) for key, value in asked.items()}

    def size(self, amount: int | str) -> int | OfWildcards:
        """Threads, megabytes or minutes: a number, or a function of ``sizes`` by its name."""
        if isinstance(amount, int):
            return amount
        function = getattr(sizes, amount)
        of = self.of_autoencoder if len(signature(function).parameters) == 2 else self.of_simulation
        return of(function)

    def step_memory(self, step: Step) -> Callable[..., int]:
        """Megabytes of a step, once more at every attempt."""
        if step.memory in get_args(Stage):
            return self.memory_of(step.memory)  # type: ignore[arg-type]
        return growing(self.size(step.memory or 1000))

    def _paths(self, path: str) -> str | OfWildcards:
        listed = [name for name in _BRACES.findall(path) if name in self.lists]
        if not listed:
            return path
        return lambda wildcards: [
            path.format(**{**dict(wildcards.items()), listed[0]: name})
            for name in self.lists[listed[0]](wildcards)
        ]

    def _value(self, path: str) -> OfWildcards:
        if path == "{source}":
            return lambda wildcards: _place(wildcards).source
        return self.lists.get(path.strip("{}")) or self.setting(path)

    # ---- Memory by files ----

    def memory(
        self, least: int | OfWildcards, *, per_input: float
    ) -> Callable[[Any, Any, int], int]:
        """Megabytes of a job that unpacks its inputs, which are compressed about tenfold.

        Once more as much at every attempt, as :func:`growing`. The function raises
        FileNotFoundError where an input is still to be made.
        """

        # Snakemake gives what a function asks for by these names; its input.size_mb leaves a
        # coroutine behind where a file is still to be made, with a warning.
        def sized(wildcards: Any, input: Iterable[str], attempt: int) -> int:
            least_mb = least(wildcards) if callable(least) else least
            file_mb = sum(Path(file).stat().st_size for file in input) / 2**20
            return attempt * int(max(least_mb, per_input * file_mb))

        return sized

    def memory_of(self, *stages: Stage) -> OfAttempt:
        """Megabytes of a job's largest stage by what it works on; once more at every attempt.

        Who describes features of a control of the cells finds them first.
        """

        def sized(wildcards: Any, input: Any, attempt: int) -> int:
            place = Place(wildcards.dataset, wildcards.model, wildcards.get("sae", ""))
            try:
                found = job_sizes(self.plan.config, place, below=self.plan.root)
            except FileNotFoundError as missing:
                # It is asked again once a missing input is made, and not every job reads the
                # bundle.
                raise FileNotFoundError(missing.errno, str(missing), input[0]) from None
            of_cells = bool(place.sae) and parse_source(place.sae).sae is None
            return attempt * max(
                megabytes("control" if of_cells and stage == "describe" else stage, found)
                for stage in stages
            )

        return sized


def _place(wildcards: Any) -> Place:
    return Place(wildcards.dataset, wildcards.model, wildcards.sae)


def _modalities(plan: Plan, dataset: str) -> list[str]:
    """Further modalities that high and low cells are compared by."""
    asked = (each.modality for each in plan.config.datasets[dataset].high_low)
    return [name for name in dict.fromkeys(asked) if name is not None]


def _divided(plan: Plan, place: Place) -> list[str]:
    """An SAE whose steered features high and low cells are compared by, or none."""
    return [place.source] if plan.config.datasets[place.dataset].divides_by_steered else []
