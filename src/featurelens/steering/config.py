"""What to steer and how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from featurelens.conventions import Composition
from featurelens.options import STRICT

FEWEST_CELLS = 5
"""Cells of a type from which it can be steered, or steered to."""


@dataclass(frozen=True, kw_only=True)
class SteeringConfig:
    """Which cells to steer towards what."""

    __pydantic_config__ = STRICT

    origin: Annotated[str, MinLen(1)]
    """Cell type whose cells are steered."""
    target: Annotated[str, MinLen(1)]
    """Cell type that the global feature is to lead to."""
    further_origins: tuple[Annotated[str, MinLen(1)], ...] = ()
    """Cell types in which the same feature is edited as well, to the same value."""
    pictured: Annotated[str, MinLen(1)] | None = None
    """Which of the steered types Figure 2B shows; null takes the origin."""
    local_types: tuple[Annotated[str, MinLen(1)], ...] = ()
    """Cell types whose local features come first, one each, in this order."""
    trajectory: Annotated[str, MinLen(1)] | None = None
    """Name of one of the dataset's trajectories: the global feature is then the one that follows
    it best; null takes the one that carries most of the step from origin to target."""
    features: tuple[Annotated[int, Ge(0)], ...] = ()
    """Numbers of features that are edited together; empty takes the one that leads to the target,
    by rule."""
    operation: Literal["set", "add", "multiply", "ablate"] = "set"
    """set and add take the value that the rule gives, multiply the factor, ablate neither."""
    rule: Literal["mean", "quantile", "maximum"] = "mean"
    """Which value of a feature's activations in the target's cells (local features: in those of
    their own type) it is set to; the mean in the paper."""
    quantile: Annotated[float, Gt(0), Lt(1)] = 0.95
    """Which quantile, for that rule."""
    factor: Annotated[float, Gt(0)] = 1.0
    """Multiple of that value (1 in the paper's tests of expression)."""
    picture_factor: Annotated[float, Gt(0)] = 1.5
    """The same for cells as drawn under the published convention (1.5 in the paper's Figure 2)."""
    n_local: Annotated[int, Ge(0)] = 3
    """Number of local features steered beside the global one."""
    keep_error: bool = True
    """Corrected: what the SAE does not explain of a cell stays as it is; false puts the SAE's
    reconstruction in the cell's place, before and after. Published always drops it."""
    selection: Literal["before", "after"] = "before"
    """SAEs that keep the k largest activations select them before the edit, or once more after
    it among the features that were not edited."""
    library: Annotated[float, Gt(0)] = 1e4
    """Counts per cell that ``pseudocount`` refers to; each cell keeps its own library."""
    pseudocount: Annotated[float, Gt(0)] = 0.1
    """Counts per ``library`` added before a ratio is taken, lest silent genes have huge ones."""

    composition: Composition = "typical_gene"
    """Corrected: the effect of the typical gene is taken from all effects, so that a gene that
    takes most of a cell makes no others fall; raw compares shares of the library as they are."""
    doses: tuple[Annotated[float, Ge(0)], ...] = (0, 0.25, 0.5, 0.75, 1, 1.5, 2)
    """Multiples of the edit's value at which movement and genes are followed; empty follows
    none."""
    n_controls: Annotated[int, Ge(200)] = 200
    """Controls among which a gene's effect is ranked: its p is at least 1 in as many and one."""
    donor: str | None = None
    """Column of obs with the donor or sample of every cell, for intervals over donors; null takes
    the batch."""
    n_resamples: Annotated[int, Ge(100)] = 200
    """Draws of cells behind the intervals of the comparison with controls."""
    seed: Annotated[int, Ge(0)] = 0
    """Of random directions, of the cells held out, and of these draws."""

    @property
    def named_types(self) -> dict[str, str]:
        """Cell types that must be among the cells, by the keys that name them."""
        lists = {"further_origins": self.further_origins, "local_types": self.local_types}
        return {"origin": self.origin, "target": self.target} | {
            f"{key}[{place}]": cell_type
            for key, named in lists.items()
            for place, cell_type in enumerate(named)
        }

    def __post_init__(self) -> None:
        if self.origin == self.target:
            raise ValueError(f"origin and target are both {self.origin!r}; name two cell types")
        if len(set(self.features)) < len(self.features):
            raise ValueError("features names one feature twice; name each once")
        origins = (self.origin, *self.further_origins)
        if self.target in origins or len(set(origins)) < len(origins):
            raise ValueError(
                "further_origins names the target, the origin or a type twice; name each type once"
            )
        if self.pictured is not None and self.pictured not in origins:
            raise ValueError(
                f"pictured is {self.pictured!r}, which is not steered; name one of {origins}"
            )
