"""ReLU SAE whose L1 penalty weighs each feature by the length of its decoder row.

z = ReLU((x - b_dec) W_enc + b_enc), x̂ = z W_dec + b_dec, and with sums over the width

    L = mean_rows |x̂ - x|² + l1 mean_rows Σ_j z_j |W_dec,j|

The weight closes the way to a smaller penalty by shrinking z and stretching the decoder. Decoder
rows start at length 0.1, the encoder as their transpose. The folded form has unit rows, so that
its plain L1 norm is the penalty. Source: Anthropic, April 2024 update (transformer-circuits.pub),
as in SAELens ``saes/standard_sae.py``.
"""

from typing import Any

import numpy as np

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.centred import encoder_input, folded_bias
from featurelens.sae.config import SAEConfig
from featurelens.sae.initial import transposed
from featurelens.sae.losses import mean_penalty, squared_error
from featurelens.sae.model import SAE


def init(rng: np.random.Generator, d_in: int, d_sae: int) -> Parameters:
    """Draw decoder rows of length 0.1; the encoder is their transpose, biases are zero."""
    return transposed(rng, d_in, d_sae, norm=0.1)


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    codes = encoder_input(p, x).relu()
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    weighted = codes * p["W_dec"].norm(dim=1)
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=step.sparsity * config.l1 * mean_penalty(weighted, config),
        auxiliary=0.0,
        codes=codes,
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the inference form with decoder rows of length 1 and b_dec folded into b_enc."""
    norms = np.linalg.norm(p["W_dec"], axis=1)
    norms = np.where(norms > 0, norms, 1).astype(p["W_dec"].dtype)
    W_enc = p["W_enc"] * norms
    b_enc = folded_bias(p, W_enc, p["b_enc"] * norms)
    return folded(p, config, W_enc=W_enc, b_enc=b_enc, W_dec=p["W_dec"] / norms[:, None])


ARCHITECTURE = Architecture(
    name="standard",
    source="Anthropic, April 2024 update; SAELens saes/standard_sae.py",
    init=init,
    loss=loss,
    fold=fold,
    penalty="l1",
)
