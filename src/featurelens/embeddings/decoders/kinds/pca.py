"""The decoder of principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from featurelens.embeddings.decoders.decoder import ByAmount


@dataclass(frozen=True, eq=False)
class PCADecoder(ByAmount):
    """Linear map to log1p(counts per 10,000), undone by expm1.

    ``expm1(z W + mean)``, clipped at zero and scaled to the library.
    """

    type: ClassVar[str] = "pca"
    place: ClassVar[int] = 1
    components: np.ndarray
    """W, (d, n_genes)."""
    mean: np.ndarray
    """Mean of log1p(counts per 10,000) over the cells that the components were fitted on."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``."""
        return self.components.shape[0], self.components.shape[1]

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        return np.expm1(z @ self.components + self.mean)


DECODER = PCADecoder
