"""The paper's Vanilla SAE.

z = ReLU(x W_enc + b_enc), x̂ = z W_dec + b_dec, and with means over rows and width

    L = mean (x̂ - x)² + l1 mean |z|

Weights start as torch.nn.Linear's, biases uniform on ±1/√(their own length), or those too as
torch.nn.Linear's (``initialisation: linear``, :func:`featurelens.sae.initial.linear_layers`). The
decoder's norm is free. Source: the author's src/models/sparse_autoencoder.py and
src/functions/sae_training.py (``sae_type='vanilla'``), which his simulations use, and the class in
02_experiments/singlecell/01_sae_training.py, which his cells use; paper Table S4.
"""

from typing import Any

import numpy as np

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.config import SAEConfig
from featurelens.sae.initial import linear_weights, uniform
from featurelens.sae.losses import mean_penalty, squared_error
from featurelens.sae.model import SAE


def init(rng: np.random.Generator, d_in: int, d_sae: int) -> Parameters:
    """Draw the parameters W_enc, W_dec, b_enc (d_sae) and b_dec (d_in)."""
    return {
        **linear_weights(rng, d_in, d_sae),
        "b_enc": uniform(rng, (d_sae,), d_sae),
        "b_dec": uniform(rng, (d_in,), d_in),
    }


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    codes = (x @ p["W_enc"] + p["b_enc"]).relu()
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=step.sparsity * config.l1 * mean_penalty(codes, config),
        auxiliary=0.0,
        codes=codes,
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the inference form; nothing needs folding."""
    return folded(p, config)


ARCHITECTURE = Architecture(
    name="vanilla",
    source="Schuster 2025, src/models/sparse_autoencoder.py",
    init=init,
    loss=loss,
    fold=fold,
    linear_start=True,
    paper=1,
    penalty="l1",
)
