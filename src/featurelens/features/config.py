"""When a feature counts as local, regional, global or dead, and for which type it is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """Statistics of single features."""

    __pydantic_config__ = STRICT

    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05
    """False discovery rate of the corrected locality."""
    z: Annotated[float, Gt(0)] = 1.96
    """Number of summed standard errors in the published locality."""
    min_share: Annotated[float, Ge(0), Lt(1)] = 0.5
    """A feature is named for a cell type that holds more than this share of its activation."""
    min_type_cells: Annotated[int, Ge(1)] = 5
    """Fewest cells of that type that activate the feature."""
