"""How the space of concepts is laid out, and which direction of a term counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from featurelens.enrichment.config import Filter
from featurelens.options import STRICT

Direction = Literal["up", "any"]


@dataclass(frozen=True, kw_only=True)
class ConceptConfig:
    """Which terms make the concept space, the parameters of its UMAP, and of comparisons."""

    __pydantic_config__ = STRICT

    filter: Filter = "kept_fdr"
    """Which terms a feature carries: a filter of the enrichment."""
    direction: Direction = "up"
    """Whether only terms that the high cells have more of count, or any (as published)."""
    min_dist: Annotated[float, Ge(0)] = 1.0
    """UMAP: least distance between points; not above spread."""
    n_neighbors: Annotated[int, Ge(2)] = 10
    """UMAP: neighbours of a feature; at most one fewer than there are features."""
    spread: Annotated[float, Gt(0)] = 10.0
    """UMAP: scale of the layout."""
    seed: int = 0
    """Seed of the layout and of the draws."""
    n_draws: Annotated[int, Ge(2)] = 5
    """Random matrices behind the floor of a similarity between two SAEs."""

    def __post_init__(self) -> None:
        if self.min_dist > self.spread:
            raise ValueError(f"min_dist {self.min_dist} is above spread {self.spread}")
