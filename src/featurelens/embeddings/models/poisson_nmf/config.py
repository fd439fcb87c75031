"""Options of the Poisson NMF embedding."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from featurelens.options import STRICT


@dataclass(frozen=True, kw_only=True)
class PoissonNMFModel:
    """Non-negative factorisation of the counts under Poisson noise, in its multinomial form."""

    __pydantic_config__ = STRICT

    kind: Literal["poisson_nmf"] = "poisson_nmf"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 10
    """Number of factors, the dimension of the embedding."""
    iterations: Annotated[int, Ge(1)] = 300
    """Multiplicative updates; all of them are made."""
    seed: int = 0
    """Seed of the initialisation."""

    has_decoder: ClassVar[bool] = True
