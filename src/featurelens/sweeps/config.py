"""How a run's sweeps are written: grids of SAEs on an embedding, and what is made of them."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from functools import cached_property
from typing import Annotated, Any, get_type_hints

from annotated_types import Ge, MinLen
from pydantic import Field

from featurelens.options import STRICT, described, form, values
from featurelens.places import embedding_parts
from featurelens.recovery.config import StructureConfig
from featurelens.sae.config import SAEConfig
from featurelens.sweeps.points import expand_grid, plan_stacks

Embedding = Annotated[str, form(r"^[^/]+/[^/]+$", "two names with a slash between them")]


def _one_or_several(config: type) -> type:
    """A dataclass with the fields of another, each of which takes one value or a list of them.

    Bounds are those of the other, for every value. Their descriptions too, looked up when a schema
    is written.
    """
    kinds = get_type_hints(config, include_extras=True)

    def several(name: str) -> Any:
        def describe(node: dict[str, Any]) -> None:
            node["description"] = described(config)["properties"][name]["description"]

        return Annotated[values(kinds[name]), Field(json_schema_extra=describe)]

    return make_dataclass(
        f"{config.__name__}Lists",
        [
            (item.name, several(item.name))
            if item.default is MISSING
            else (item.name, several(item.name), field(default=(item.default,)))
            for item in fields(config)
        ],
        frozen=True,
        kw_only=True,
    )


@dataclass(frozen=True, kw_only=True)
class GridConfig(_one_or_several(SAEConfig)):  # type: ignore[misc]
    """A block of the sweep: the product of its values. Each key takes one value or a list."""

    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """A set of SAEs trained on one embedding, of a simulation or of real cells."""

    __pydantic_config__ = STRICT

    embedding: Embedding
    """The embedding, as simulation/autoencoder, simulation/observables (zipf) or dataset/model."""
    grids: Annotated[tuple[GridConfig, ...], MinLen(1)]
    """Blocks of hyperparameters; the sweep is their union."""
    n_cells: Annotated[int, Ge(0)] = 0
    """The SAEs are trained on so many cells, the first of the embedding; 0 takes all."""
    stack_by: Annotated[tuple[str, ...], MinLen(1)] = ("architecture", "expansion", "seed")
    """Fields whose values decide which points are trained in one job."""
    structure: StructureConfig | None = None
    """Recovery of connectivity, for simulations that have one."""

    @property
    def source(self) -> str:
        """Name of the simulation or dataset that is embedded."""
        return embedding_parts(self.embedding)[0]

    @property
    def has_seeds(self) -> bool:
        """Whether some grid has more than one seed, so that runs can be compared."""
        return any(len(set(grid.seed)) > 1 for grid in self.grids)

    def stacks(self) -> dict[str, list[dict[str, Any]]]:
        """Stacks of the sweep, by name, in the plain form that the workflow records."""
        return self._stacks

    @cached_property
    def _stacks(self) -> dict[str, list[dict[str, Any]]]:
        configs = [config for grid in self.grids for config in expand_grid(vars(grid))]
        return plan_stacks(self.embedding, configs, self.stack_by)
