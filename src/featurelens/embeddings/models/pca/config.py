"""Options of the PCA embedding."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from featurelens.embeddings.model import Model


@dataclass(frozen=True, kw_only=True)
class PCAModel(Model):
    """Principal components of log1p counts per 10,000, decoded linearly."""

    kind: Literal["pca"] = "pca"
    """Which model."""
    n_components: Annotated[int, Ge(1)] = 20
    """Dimension of the embedding."""
    seed: int = 0
    """Seed of the eigensolver's starting vector."""

    @property
    def dimensions(self) -> int:
        """Dimensions of the embedding."""
        return self.n_components


MODEL = PCAModel
