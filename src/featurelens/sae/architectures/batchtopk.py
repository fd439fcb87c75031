"""BatchTopK SAE: the k n largest activations of a whole batch of n rows are kept.

z keeps the k n largest of ReLU((x - b_dec) W_enc + b_enc) over the batch, x̂ = z W_dec + b_dec, and

    L = |x̂ - x|² + α |e - ê|²

with the auxiliary loss of topk_aux. Rows share the budget as they need it. At inference, where
there is no batch, features fire above a threshold: the running mean (rate 0.01) of the smallest
activation kept in training. Decoder rows are held at length 1. Source: Bussmann et al. 2024,
arXiv 2412.06410; the running threshold as in SAELens ``saes/batchtopk_sae.py``.
"""

from typing import Any

import numpy as np

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.centred import encoder_input, folded_bias, revival_loss
from featurelens.sae.config import SAEConfig, n_kept
from featurelens.sae.initial import transposed
from featurelens.sae.losses import squared_error
from featurelens.sae.model import SAE

RATE = 0.01
"""Weight of the newest batch in the running threshold."""
UNSET = -1.0
"""Threshold before the first batch."""


def init(rng: np.random.Generator, d_in: int, d_sae: int) -> Parameters:
    """Draw unit decoder rows, the encoder their transpose; the threshold is unset."""
    return {**transposed(rng, d_in, d_sae), "threshold": np.full(1, UNSET)}


def batch_codes(p: Parameters, before: Any, config: SAEConfig) -> Any:
    """Keep the k n largest positive values of (n_rows, d_sae) and update the threshold."""
    n_rows, d_sae = before.shape
    flat = before.relu().flatten()
    values, places = flat.topk(n_rows * n_kept(config, d_sae), sorted=False)
    _update_threshold(p["threshold"], values.detach())
    return flat.new_zeros(flat.shape).scatter(0, places, values).view(n_rows, d_sae)


def _update_threshold(threshold: Any, kept: Any) -> None:
    """Move the running threshold towards the smallest positive value kept, if there is one."""
    positive = kept[kept > 0]
    if len(positive):
        lowest = positive.min()
        first = threshold < 0
        moved = (1 - RATE) * threshold + RATE * lowest
        threshold.copy_(lowest.where(first, moved))


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    before = encoder_input(p, x)
    codes = batch_codes(p, before, config)
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=0.0,
        auxiliary=revival_loss(p, x, reconstruction, before, step.dead, config),
        codes=codes,
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the inference form: ReLU above the running threshold, b_dec folded into b_enc."""
    threshold = np.full_like(p["b_enc"], np.maximum(p["threshold"], 0)[0])
    b_enc = folded_bias(p, p["W_enc"], p["b_enc"])
    return folded(p, config, b_enc=b_enc, threshold=threshold)


ARCHITECTURE = Architecture(
    name="batchtopk",
    source="Bussmann et al. 2024, arXiv 2412.06410",
    init=init,
    loss=loss,
    fold=fold,
    tracks_dead=True,
    unit_decoder=True,
    untrained=("threshold",),
)
