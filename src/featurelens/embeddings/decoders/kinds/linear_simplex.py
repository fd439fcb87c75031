"""The decoder of factors that are proportions of genes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from featurelens.embeddings.decoders.decoder import ByAmount


@dataclass(frozen=True, eq=False)
class LinearSimplexDecoder(ByAmount):
    """Linear map to proportions: ``z F^T``, clipped at zero, renormalised.

    Inside the simplex (z non-negative with sum 1, columns of F with sum 1) nothing is clipped and
    the renormalisation divides by one.
    """

    type: ClassVar[str] = "linear_simplex"
    place: ClassVar[int] = 2
    factors: np.ndarray
    """F, (n_genes, d), non-negative, columns sum to 1."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``."""
        return self.factors.shape[1], self.factors.shape[0]

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        return z @ self.factors.T


DECODER = LinearSimplexDecoder
