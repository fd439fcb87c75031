"""Encoder and decoder of a trained scVI model, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from featurelens.embeddings.decoders.kinds.scvi import ScviDecoder, relu_layers
from featurelens.embeddings.models.scvi.saved import SavedModel
from featurelens.io import InputError
from featurelens.torch_files import require_numbers

EPSILON = 1e-3
"""Added to the variance by the batch normalisation of scvi-tools."""
LEAST_VARIANCE = 1e-4
"""Added to the variance of the latent space by scvi-tools."""
ROWS = 4096

Layers = tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]


@dataclass(frozen=True, eq=False)
class Posterior:
    """What the encoder makes of cells: a normal distribution of z for each."""

    mean: np.ndarray
    """(n_cells, d) float32."""
    variance: np.ndarray
    """(n_cells, d) float32."""

    def sample(self, seed: int) -> np.ndarray:
        """One z for each cell, drawn from its distribution, (n_cells, d)."""
        noise = np.random.default_rng(seed).standard_normal(self.mean.shape, dtype=np.float32)
        return self.mean + np.sqrt(self.variance) * noise


def encode(model: SavedModel, counts: sparse.csr_matrix, one_hot: np.ndarray) -> Posterior:
    """Distribution of z of every cell.

    Parameters
    ----------
    counts
        Raw counts of the model's genes in its order, (n_cells, n_genes).
    one_hot
        Batches, (n_cells, n_batches); n_batches is 0 for a model of one batch.
    """
    weights, biases = _hidden_layers(model, "z_encoder.encoder")
    parts = []
    for start in range(0, counts.shape[0], ROWS):
        rows = slice(start, start + ROWS)
        x = sparse.csr_matrix(counts[rows], dtype=np.float32)
        x = x.log1p() if model.log_input else x
        parts.append(np.asarray(relu_layers(x, one_hot[rows], weights, biases)))
    hidden = np.concatenate(parts)
    log_variance = _linear(model, "z_encoder.var_encoder", hidden)
    return Posterior(
        mean=_linear(model, "z_encoder.mean_encoder", hidden),
        variance=np.exp(log_variance) + np.float32(LEAST_VARIANCE),
    )


def decoder_of(model: SavedModel, shares: np.ndarray) -> ScviDecoder:
    """The generative network; ``shares`` of the batches, (n_batches,), empty for one batch.

    Raises
    ------
    InputError
        If the checkpoint lacks a part of the network.
    """
    weights, biases = _hidden_layers(model, "decoder.px_decoder")
    head = "decoder.px_scale_decoder.0"
    r = model.state.get("px_r", np.empty(0, dtype=np.float32))
    by_gene = model.likelihood != "poisson" and r.ndim == 1
    return ScviDecoder(
        weights=weights,
        biases=biases,
        scale_weight=_part(model, f"{head}.weight", 2),
        scale_bias=_part(model, f"{head}.bias", 1),
        theta=np.exp(r).astype(np.float32) if by_gene else np.empty(0, dtype=np.float32),
        shares=shares.astype(np.float32),
    )


def _hidden_layers(model: SavedModel, prefix: str) -> Layers:
    """Weights and biases of a stack of layers, in the order of their numbers."""
    weights: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    while f"{prefix}.fc_layers.Layer {len(weights)}.0.weight" in model.state:
        layer = f"{prefix}.fc_layers.Layer {len(weights)}"
        _part(model, f"{layer}.0.weight", 2)
        _part(model, f"{layer}.0.bias", 1)
        if f"{layer}.1.running_var" in model.state:
            for name in ("weight", "bias", "running_mean", "running_var"):
                _part(model, f"{layer}.1.{name}", 1)
        try:
            weight, bias = fold_batch_norm(model.state, layer)
        except ValueError as error:
            raise InputError(f"{model.path}: {layer} does not fit together ({error})") from error
        weights.append(weight)
        biases.append(bias)
    if not weights:
        raise InputError(f"{model.path}: has no {prefix}; is it complete?")
    return tuple(weights), tuple(biases)


def fold_batch_norm(state: Mapping[str, np.ndarray], layer: str) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n_out, n_in) and biases (n_out,) of a layer with its normalisation folded in.

    ``gamma (W x + b - mean) / sqrt(var + eps) + beta``; without a normalisation W and b as stored.
    """
    weight = state[f"{layer}.0.weight"].astype(np.float64)
    bias = state[f"{layer}.0.bias"].astype(np.float64)
    if f"{layer}.1.running_var" in state:
        gamma, beta, mean, variance = (
            state[f"{layer}.1.{name}"].astype(np.float64)
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        weight, bias = weight * scale[:, None], (bias - mean) * scale + beta
    return weight.astype(np.float32), bias.astype(np.float32)


def _linear(model: SavedModel, name: str, x: np.ndarray) -> np.ndarray:
    weight, bias = _part(model, f"{name}.weight", 2), _part(model, f"{name}.bias", 1)
    return (x @ weight.T + bias).astype(np.float32)


def _part(model: SavedModel, name: str, n_axes: int) -> np.ndarray:
    if name not in model.state:
        raise InputError(f"{model.path}: has no {name}; is it complete?")
    require_numbers(model.path, name, model.state[name], n_axes)
    return model.state[name]
