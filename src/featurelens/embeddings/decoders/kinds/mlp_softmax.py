"""The decoder of multiDGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from featurelens.embeddings.decoders.decoder import ByLayers, softmax


@dataclass(frozen=True, eq=False)
class MLPSoftmaxDecoder(ByLayers):
    """Fully connected layers with ReLU between them, then softmax over genes: proportions.

    The decoder of multiDGD. Input is the embedding followed by the covariate code. Counts are
    negative binomial with mean m = proportion x library and variance m + m^2 / r, so a generalised
    linear model that writes the variance as m + alpha m^2 (statsmodels) needs alpha = 1 / r.
    The paper's code passes r itself as alpha (``supp_19_sc.py``), which turns the
    dispersion upside down.
    """

    type: ClassVar[str] = "mlp_softmax"
    place: ClassVar[int] = 3
    r: np.ndarray
    """(n_genes,), positive."""
    mean_covariate: np.ndarray
    """Mean covariate code of the cells the model was trained on, (c,); c = 0 without covariates."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``; the covariate code is not part of d."""
        return self.weights[0].shape[1] - len(self.mean_covariate), len(self.biases[-1])

    @property
    def dispersion(self) -> np.ndarray:
        """r, (n_genes,)."""
        return self.r

    def notes(self) -> dict[str, Any]:
        """Covariates, activation, and the meaning of the dispersion."""
        return {
            "n_covariates": len(self.mean_covariate),
            "activation": "relu",
            "dispersion": "negative binomial r, variance m + m^2 / r",
        }

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:
        code = self.mean_covariate if covariate is None else np.asarray(covariate)
        n_covariates = len(self.mean_covariate)
        if n_covariates and code.shape[-1] != n_covariates:
            raise ValueError(f"covariate has {code.shape[-1]} columns, not {n_covariates}")
        code = np.broadcast_to(code[..., :n_covariates], (len(z), n_covariates))
        hidden = np.concatenate([z, code], axis=1, dtype=np.float32, casting="same_kind")
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight.T + bias, 0)
        return softmax(hidden @ self.weights[-1].T + self.biases[-1])


DECODER = MLPSoftmaxDecoder
