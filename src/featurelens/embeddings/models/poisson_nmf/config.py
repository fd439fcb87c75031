"""Options of the Poisson NMF embedding."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from featurelens.embeddings.model import Model


@dataclass(frozen=True, kw_only=True)
class PoissonNMFModel(Model):
    """Non-negative factorisation of the counts under Poisson noise, in its multinomial form."""

    kind: Literal["poisson_nmf"] = "poisson_nmf"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 10
    """Number of factors, the dimension of the embedding."""
    iterations: Annotated[int, Ge(1)] = 300
    """Multiplicative updates; all of them are made."""
    seed: int = 0
    """Seed of the initialisation."""

    @property
    def dimensions(self) -> int:
        """Dimensions of the embedding."""
        return self.n_components


MODEL = PoissonNMFModel
