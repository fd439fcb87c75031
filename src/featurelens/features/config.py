"""When a feature counts as local, regional, global or dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Lt

from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """Statistics of single features."""

    __pydantic_config__ = STRICT

    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05
    """False discovery rate of the corrected locality."""
    z: Annotated[float, Gt(0)] = 1.96
    """Number of summed standard errors in the published locality."""
