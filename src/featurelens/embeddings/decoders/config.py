"""A decoder fitted afterwards, where a model brings none."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Lt

from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class RidgeSurrogate:
    """Ridge regression from an embedding to log1p counts per 10,000, where no decoder exists."""

    __pydantic_config__ = STRICT

    alpha: Annotated[float, Gt(0)] = 1.0
    """Weight of the squared coefficients, on an embedding scaled to unit variance."""
    holdout: Annotated[float, Gt(0), Lt(1)] = 0.1
    """Share of the cells on which the fit is judged; the decoder itself is fitted on all cells."""
    seed: int = 0
    """Seed of the choice of these cells."""
