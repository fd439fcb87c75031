"""A linear decoder that is no part of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from featurelens.embeddings.decoders.decoder import ByAmount


@dataclass(frozen=True, eq=False)
class SurrogateDecoder(ByAmount):
    """Ridge regression fitted afterwards, for an embedding whose model decodes nothing.

    ``expm1(z W + intercept)``, clipped at zero, times one factor per gene that brings the mean
    decoded proportion of the cells it was fitted on to their measured one (the smearing of
    Duan 1983: the exponential of a mean logarithm is too small a mean). It says what the embedding
    knows linearly of expression, not what its model believes. Made by
    :func:`featurelens.embeddings.decoders.surrogate.fit_surrogate`.
    """

    type: ClassVar[str] = "surrogate"
    place: ClassVar[int] = 5
    weights: np.ndarray
    """W, (d, n_genes)."""
    intercept: np.ndarray
    """(n_genes,)."""
    smearing: np.ndarray
    """Positive factors, (n_genes,)."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``."""
        return self.weights.shape[0], self.weights.shape[1]

    def notes(self) -> dict[str, Any]:
        """That this is no part of the model."""
        return {"surrogate": True, "made_by": "ridge regression on the embedding, not the model"}

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        return np.expm1(z @ self.weights + self.intercept) * self.smearing


DECODER = SurrogateDecoder
