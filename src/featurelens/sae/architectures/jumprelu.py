"""JumpReLU SAE: each feature fires above a threshold that is trained.

before = x W_enc + b_enc, z = before H(before - θ) with θ = exp(log θ) > 0 and the step function H,
x̂ = z W_dec + b_dec, and with sums over the width

    L = mean_rows |x̂ - x|² + l1 mean_rows Σ_j H(before_j - θ_j)

The penalty is an L0 norm; ``l1`` is its weight. H has no gradient, so θ is given the pseudo-
derivatives of the source, with the rectangle K(u) = 1 for |u| < 1/2 and the bandwidth ε:

    ∂z/∂θ = -(θ/ε) K((before - θ)/ε),   ∂H/∂θ = -(1/ε) K((before - θ)/ε)

Decoder rows start as unit directions with the encoder as their transpose and θ = 0.001, and are
held at length 1. Source: Rajamanoharan et al. 2024, arXiv 2407.14435.
"""

import math
from typing import Any

import numpy as np

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.config import SAEConfig
from featurelens.sae.initial import transposed
from featurelens.sae.losses import mean_sum, squared_error
from featurelens.sae.model import SAE

START = 1e-3
"""Threshold at the start."""


def init(rng: np.random.Generator, d_in: int, d_sae: int) -> Parameters:
    """Draw unit decoder rows, the encoder their transpose; adds log_threshold (d_sae)."""
    return {**transposed(rng, d_in, d_sae), "log_threshold": np.full(d_sae, math.log(START))}


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    before = x @ p["W_enc"] + p["b_enc"]
    threshold = p["log_threshold"].exp()
    fixed = threshold.detach()
    fires = (before.detach() > fixed).to(before.dtype)
    near = ((before.detach() - fixed).abs() < config.bandwidth / 2).to(before.dtype)
    # Zero in value; its gradient with respect to the threshold is -K/ε.
    nudge = -(near / config.bandwidth) * (threshold - fixed)
    codes = before * fires + fixed * nudge
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=step.sparsity * config.l1 * mean_sum(fires + nudge, config),
        auxiliary=0.0,
        codes=codes,
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the inference form; the threshold is exponentiated."""
    return folded(p, config, threshold=np.exp(p["log_threshold"]))


ARCHITECTURE = Architecture(
    name="jumprelu",
    source="Rajamanoharan et al. 2024, arXiv 2407.14435",
    init=init,
    loss=loss,
    fold=fold,
    penalty="other",
    unit_decoder=True,
)
