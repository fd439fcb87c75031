"""Options of the PCA embedding."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class PCAModel:
    """Principal components of log1p counts per 10,000, decoded linearly."""

    __pydantic_config__ = STRICT

    kind: Literal["pca"] = "pca"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 20
    """Dimension of the embedding."""
    seed: int = 0
    """Seed of the eigensolver's starting vector."""

    has_decoder: ClassVar[bool] = True
