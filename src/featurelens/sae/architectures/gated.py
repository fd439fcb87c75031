"""Gated SAE: which features fire and how strongly are decided apart.

With c = (x - b_dec) W_enc:  gate = c + b_enc,  z = H(gate) ReLU(c exp(r_mag) + b_mag),
x̂ = z W_dec + b_dec, and with sums over the width

    L = mean_rows |x̂ - x|² + l1 mean_rows |ReLU(gate)| + mean_rows |x̂_gate - x|²

where x̂_gate decodes ReLU(gate) with the decoder held constant; it trains the gate, which the step
function H cuts off from the first term. Decoder rows start as unit directions with the encoder as
their transpose, and are held at length 1. As both paths share W_enc, the trained SAE is a JumpReLU
with encoder W_enc exp(r_mag) and threshold b_mag - exp(r_mag) b_enc, which is how it is folded.
Source: Rajamanoharan et al. 2024, arXiv 2404.16014.
"""

from typing import Any

import numpy as np

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.centred import folded_bias
from featurelens.sae.config import SAEConfig
from featurelens.sae.initial import transposed
from featurelens.sae.losses import mean_penalty, squared_error
from featurelens.sae.model import SAE


def init(rng: np.random.Generator, d_in: int, d_sae: int) -> Parameters:
    """Draw unit decoder rows, the encoder their transpose; r_mag and b_mag (d_sae) are zero."""
    return {
        **transposed(rng, d_in, d_sae),
        "r_mag": np.zeros(d_sae),
        "b_mag": np.zeros(d_sae),
    }


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    shared = (x - p["b_dec"]) @ p["W_enc"]
    gate = shared + p["b_enc"]
    strength = (shared * p["r_mag"].exp() + p["b_mag"]).relu()
    codes = (gate.detach() > 0).to(strength.dtype) * strength
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    by_gate = gate.relu() @ p["W_dec"].detach() + p["b_dec"].detach()
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=step.sparsity * config.l1 * mean_penalty(gate.relu(), config),
        auxiliary=squared_error(by_gate, x, config),
        codes=codes,
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the equal JumpReLU form."""
    stretch = np.exp(p["r_mag"])
    W_enc = p["W_enc"] * stretch
    b_enc = folded_bias(p, W_enc, p["b_mag"])
    threshold = p["b_mag"] - stretch * p["b_enc"]
    return folded(p, config, W_enc=W_enc, b_enc=b_enc, threshold=threshold)


ARCHITECTURE = Architecture(
    name="gated",
    source="Rajamanoharan et al. 2024, arXiv 2404.16014",
    init=init,
    loss=loss,
    fold=fold,
    penalty="other",
    unit_decoder=True,
)
