"""How a run's sweeps are written: grids of SAEs on an embedding, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, MinLen
from pydantic import StringConstraints

from featurelens.conventions import Convention
from featurelens.options import STRICT, values
from featurelens.recovery.config import StructureConfig
from featurelens.sae.config import ArchitectureName, TrainedPart
from featurelens.sweeps.points import expand_grid, plan_stacks


@dataclass(frozen=True, kw_only=True)
class GridConfig:
    """A block of the sweep: the product of its values. Each key takes one value or a list."""

    __pydantic_config__ = STRICT

    architecture: values(ArchitectureName)  # type: ignore[valid-type]
    """SAE architectures."""
    expansion: values(Annotated[float, Gt(0)])  # type: ignore[valid-type]
    """Width of the SAE as a multiple of the embedding's dimension."""
    max_features: values(Annotated[int, Ge(0)]) = (0,)  # type: ignore[valid-type]
    """Most features, however many dimensions the embedding has; 0 sets no limit."""
    l1: values(Annotated[float, Ge(0)]) = (1e-3,)  # type: ignore[valid-type]
    """Weight of the L1 term, for architectures that have one."""
    k: values(Annotated[float, Gt(0)]) = (10.0,)  # type: ignore[valid-type]
    """Active features in percent of the width, for the TopK family."""
    learning_rate: values(Annotated[float, Gt(0)]) = (1e-4,)  # type: ignore[valid-type]
    """Step size of Adam."""
    epochs: values(Annotated[int, Ge(1)]) = (500,)  # type: ignore[valid-type]
    """Passes over the data."""
    batch_size: values(Annotated[int, Ge(1)]) = (128,)  # type: ignore[valid-type]
    """Cells in a minibatch."""
    reduction: values(Literal["paper", "sum"]) = ("paper",)  # type: ignore[valid-type]
    """Whether losses are means over features (as published) or sums over them."""
    seed: values(int) = (0,)  # type: ignore[valid-type]
    """Seeds of initialisation, batch order and validation split."""
    validation_fraction: values(Annotated[float, Ge(0)]) = (0.0,)  # type: ignore[valid-type]
    """Share of the cells held out of training."""
    patience: values(Annotated[int, Ge(0)]) = (0,)  # type: ignore[valid-type]
    """Epochs without a new lowest validation loss before training stops; 0 never stops early."""
    convention: values(Convention) = ("corrected",)  # type: ignore[valid-type]
    """Which cells are held out and which weights are kept, as published or corrected."""
    warmup: values(Annotated[float, Ge(0)]) = (0.0,)  # type: ignore[valid-type]
    """Share of the steps over which the learning rate rises."""
    decay: values(Annotated[float, Ge(0)]) = (0.0,)  # type: ignore[valid-type]
    """Share of the steps, at the end, over which the learning rate falls."""
    sparsity_warmup: values(Annotated[float, Ge(0)]) = (0.0,)  # type: ignore[valid-type]
    """Share of the steps over which the sparsity penalty rises."""
    auxiliary: values(Annotated[float, Ge(0)]) = (1 / 32,)  # type: ignore[valid-type]
    """Weight of the loss that revives dead features (topk_aux, batchtopk and matryoshka)."""
    dead_after: values(Annotated[int, Ge(1)]) = (1,)  # type: ignore[valid-type]
    """Epochs without firing after which that loss counts a feature as dead."""
    bandwidth: values(Annotated[float, Gt(0)]) = (1e-3,)  # type: ignore[valid-type]
    """Width of the kernel that gives the threshold of jumprelu its gradient."""
    trained: values(TrainedPart) = ("all",)  # type: ignore[valid-type]
    """What training may change: encoder leaves the random decoder rows, nothing all weights."""


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """A set of SAEs trained on one embedding, of a simulation or of real cells."""

    __pydantic_config__ = STRICT

    embedding: Annotated[str, StringConstraints(pattern=r"^[^/]+/[^/]+$")]
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
        return self.embedding.split("/")[0]

    @property
    def has_seeds(self) -> bool:
        """Whether some grid has more than one seed, so that runs can be compared."""
        return any(len(set(grid.seed)) > 1 for grid in self.grids)

    def stacks(self) -> dict[str, list[dict[str, Any]]]:
        """Stacks of the sweep, by name, in the plain form that the workflow records."""
        configs = [config for grid in self.grids for config in expand_grid(vars(grid))]
        return plan_stacks(self.embedding, configs, self.stack_by)
