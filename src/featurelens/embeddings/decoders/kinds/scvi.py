"""The decoder of scVI (Lopez et al. 2018), without the package scvi-tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from featurelens.embeddings.decoders.decoder import ByLayers, softmax


@dataclass(frozen=True, eq=False)
class ScviDecoder(ByLayers):
    """Fully connected layers that see the batch, then softmax over genes: proportions.

    What scvi-tools calls ``px_scale``, the mean of the counts divided by the library; its sampling
    of expression is not used. Each hidden layer is linear, then ReLU; batch normalisation is folded
    into its weights with the running statistics, as it applies to one cell. A layer may take the
    batch, one-hot, behind its input. A covariate code is a distribution over batches: the decoded
    mean is the average, under that code, of what the network decodes for each batch, so that a
    cell's own one-hot code gives the network's own answer. Counts are negative binomial with
    variance m + m^2 / theta. A zero-inflated model is decoded to the mean of its negative binomial,
    which leaves its inflation aside.

    ``weights`` and ``biases`` are of the hidden layers; weights are (n_out, n_in), or
    (n_out, n_in + n_batches) where a layer takes the batch.
    """

    type: ClassVar[str] = "scvi"
    place: ClassVar[int] = 4
    scale_weight: np.ndarray
    """Of the layer before the softmax, (n_genes, n_hidden)."""
    scale_bias: np.ndarray
    """(n_genes,)."""
    theta: np.ndarray
    """Inverse dispersion of each gene, (n_genes,); empty where the model has none by gene."""
    shares: np.ndarray
    """Share of each batch among the cells the model was trained on, (n_batches,); empty for one."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``; the batch is not part of d."""
        return self.weights[0].shape[1] - len(self.shares), len(self.scale_bias)

    @property
    def dispersion(self) -> np.ndarray | None:
        """theta, (n_genes,), or None."""
        return self.theta if len(self.theta) else None

    def notes(self) -> dict[str, Any]:
        """Covariates, activation, and the meaning of the dispersion."""
        return {
            "n_covariates": len(self.shares),
            "covariates": "one-hot batch; a mixture of batches averages what each decodes to",
            "activation": "relu",
            "dispersion": "negative binomial theta, variance m + m^2 / theta",
        }

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:
        n_batches = len(self.shares)
        if not n_batches:
            return self._proportions(z, np.empty((len(z), 0), dtype=np.float32))
        codes = self.shares if covariate is None else np.asarray(covariate)
        if codes.shape[-1] != n_batches:
            raise ValueError(f"covariate has {codes.shape[-1]} columns, not {n_batches}")
        codes = np.broadcast_to(codes, (len(z), n_batches))
        amounts = np.zeros((len(z), self.shape[1]), dtype=np.float32)
        for batch in range(n_batches):
            rows = np.flatnonzero(codes[:, batch])
            if rows.size:
                one_hot = np.zeros((rows.size, n_batches), dtype=np.float32)
                one_hot[:, batch] = 1
                weight = codes[rows, batch, None].astype(np.float32)
                amounts[rows] += weight * self._proportions(z[rows], one_hot)
        return amounts

    def _proportions(self, z: np.ndarray, one_hot: np.ndarray) -> np.ndarray:
        hidden = relu_layers(z.astype(np.float32), one_hot, self.weights, self.biases)
        logits = hidden @ self.scale_weight.T + self.scale_bias  # (n, n_genes)
        return softmax(logits)


def relu_layers(
    x: Any, one_hot: np.ndarray, weights: tuple[np.ndarray, ...], biases: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Hidden layers of scVI's encoder or decoder.

    Parameters
    ----------
    x
        Input (n, n_in), dense or sparse.
    one_hot
        Batches (n, n_batches); layers whose weights have room for them take them.
    weights, biases
        Of each layer, batch normalisation folded in.

    Returns
    -------
    numpy.ndarray
        (n, n_out).
    """
    for weight, bias in zip(weights, biases, strict=True):
        n_in = x.shape[1]
        linear = x @ weight[:, :n_in].T + bias
        if weight.shape[1] > n_in:
            linear = linear + one_hot @ weight[:, n_in:].T
        x = np.maximum(linear, 0)
    return x


DECODER = ScviDecoder
