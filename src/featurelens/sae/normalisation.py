"""The unit and the origin of an embedding, taken from the rows and given back to the weights.

With the rows' mean μ and s² = Σ |x - μ|² / (n d_in), an SAE of (x - μ) / s reads x itself once

    W_enc / s,  b_enc - (μ / s) W_enc,  s W_dec,  s b_dec + μ

take the place of its weights; its activations stay those of rows in unit scale. One factor serves
all dimensions, so that angles and relative lengths stay. Learning rates, penalties and thresholds
mean the same in every unit, and no mean outweighs what varies (γ in
:mod:`featurelens.sae.metrics`). SAELens folds a factor in the same way
(``fold_activation_norm_scaling_factor``); it does not centre.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from featurelens.sae.config import SAEConfig
from featurelens.sae.model import SAE


@dataclass(frozen=True, eq=False)
class Normalisation:
    """Where rows lie and how widely they spread."""

    mean: np.ndarray
    """μ, (d_in,), in the unit of the embedding."""
    scale: float
    """s, in the unit of the embedding; 1 where nothing varies."""

    @classmethod
    def of(cls, X: np.ndarray) -> Normalisation:
        """Mean and root mean square deviation per dimension of the rows of ``X`` (n, d_in).

        Examples
        --------
        >>> found = Normalisation.of(np.array([[1.0, 0.0], [5.0, 0.0]]))
        >>> found.mean, found.scale  # deviations of 2 in one of two dimensions: sqrt(8 / 4)
        (array([3., 0.]), 1.4142135623730951)
        """
        wide = X.astype(np.float64)
        mean = wide.mean(axis=0)
        scale = float(np.sqrt(np.square(wide - mean).mean()))
        return cls(mean, scale if scale > 0 else 1.0)

    def apply(self, X: np.ndarray) -> np.ndarray:
        """(X - μ) / s, computed in double precision, in the type of ``X`` (n, d_in)."""
        return ((X.astype(np.float64) - self.mean) / self.scale).astype(X.dtype)

    def undo(self, sae: SAE) -> SAE:
        """The SAE of rows as they are which does what ``sae`` does to normalised ones."""
        kind, wide = sae.W_enc.dtype, sae.W_enc.astype(np.float64)
        shift = (self.mean / self.scale) @ wide
        about = {"input_mean": self.mean.tolist(), "input_scale": self.scale}
        return replace(
            sae,
            W_enc=(wide / self.scale).astype(kind),
            b_enc=(sae.b_enc - shift).astype(kind),
            W_dec=(sae.W_dec * self.scale).astype(kind),
            b_dec=(sae.b_dec * self.scale + self.mean).astype(kind),
            metadata={**sae.metadata, **about},
        )


def normalise(X: np.ndarray, config: SAEConfig) -> tuple[np.ndarray, Normalisation | None]:
    """Rows (n, d_in) to train on and what was done to them; None where they stay as they are."""
    if config.normalise != "scale":
        return X, None
    found = Normalisation.of(X)
    return found.apply(X), found
