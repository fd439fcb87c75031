"""What to steer and how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, MinLen

from featurelens.conventions import Composition
from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class SteeringConfig:
    """Which cells to steer towards what."""

    __pydantic_config__ = STRICT

    origin: Annotated[str, MinLen(1)]
    """Cell type whose cells are steered."""
    target: Annotated[str, MinLen(1)]
    """Cell type whose mean activation the global feature is set to."""
    factor: Annotated[float, Gt(0)] = 1.5
    """Multiple of the mean activation that a feature is set to (1.5 in the paper's Figure 2)."""
    n_local: Annotated[int, Ge(0)] = 3
    """Number of local features steered beside the global one."""
    library: Annotated[float, Gt(0)] = 1e4
    """Common number of counts per cell at which the corrected convention compares expression."""
    pseudocount: Annotated[float, Gt(0)] = 0.1
    """Counts per ``library`` added before a ratio is taken, lest silent genes have huge ones."""

    composition: Composition = "typical_gene"
    """Corrected: each steered cell is brought to the level at which its typical gene does not
    change, so that a gene that takes most of a cell makes no others fall; raw compares shares of
    the library as they are."""

    def __post_init__(self) -> None:
        if self.origin == self.target:
            raise ValueError(f"origin and target are both {self.origin!r}; name two cell types")
