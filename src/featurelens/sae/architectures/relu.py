"""The paper's ReLU SAE (its files call it bricken).

z = ReLU((x + b_pre) W_enc + b_enc), x̂ = z W_dec + b_dec, and with means over rows and width

    L = mean (x̂ - x)² + l1 mean |z|

The pre-bias is added and is a parameter of its own, not tied to b_dec. Weights start as
torch.nn.Linear's, all biases at zero. Algebraically it is a Vanilla SAE with the encoder bias
b_enc + b_pre W_enc, which is how it is folded. Source: the author's
src/models/sparse_autoencoder.py (``input_bias=True, bias_type='zero'``); paper Table S4.
"""

from typing import Any

import numpy as np

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.config import SAEConfig
from featurelens.sae.initial import linear_weights
from featurelens.sae.losses import mean_penalty, squared_error
from featurelens.sae.model import SAE


def init(rng: np.random.Generator, d_in: int, d_sae: int) -> Parameters:
    """Draw the weights; b_pre (d_in), b_enc (d_sae) and b_dec (d_in) are zero."""
    return {
        **linear_weights(rng, d_in, d_sae),
        "b_pre": np.zeros(d_in),
        "b_enc": np.zeros(d_sae),
        "b_dec": np.zeros(d_in),
    }


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    codes = ((x + p["b_pre"]) @ p["W_enc"] + p["b_enc"]).relu()
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=step.sparsity * config.l1 * mean_penalty(codes, config),
        auxiliary=0.0,
        codes=codes,
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the inference form, the pre-bias folded into the encoder's bias."""
    return folded(p, config, b_enc=fold_pre_bias(p))


def fold_pre_bias(p: Parameters) -> np.ndarray:
    """b_enc + b_pre W_enc, summed in float64."""
    wide = np.float64
    folded = p["b_enc"].astype(wide) + p["b_pre"].astype(wide) @ p["W_enc"].astype(wide)
    return folded.astype(p["b_enc"].dtype)


ARCHITECTURE = Architecture(
    name="relu",
    source="Schuster 2025, src/models/sparse_autoencoder.py, after Bricken et al. 2023",
    init=init,
    loss=loss,
    fold=fold,
    paper=2,
    penalty="l1",
)
