"""The paper's TopK SAE.

z keeps the k largest of (x + b_pre) W_enc + b_enc in each row and cuts those below zero,
x̂ = z W_dec + b_dec, and with the mean over rows and width

    L = mean (x̂ - x)²

k is a percentage of the width: max(1, int(d_sae k / 100)). There is no transposed initialisation
and no auxiliary loss (topk_aux has both); the author's sweep sets the L1 weight to 0. Source: the
author's src/models/sparse_autoencoder.py (``TopK``), src/functions/sae_training.py; paper Table S4.
"""

from typing import Any

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.architectures.relu import fold_pre_bias, init
from featurelens.sae.config import SAEConfig, n_kept
from featurelens.sae.losses import keep_largest, squared_error
from featurelens.sae.model import SAE


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:  # noqa: ARG001
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    before = (x + p["b_pre"]) @ p["W_enc"] + p["b_enc"]
    codes = keep_largest(before, n_kept(config, before.shape[1]))
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    return Output(
        error=squared_error(reconstruction, x, config), penalty=0.0, auxiliary=0.0, codes=codes
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the inference form, the pre-bias folded into the encoder's bias."""
    return folded(p, config, b_enc=fold_pre_bias(p), k=n_kept(config, len(p["b_enc"])))


ARCHITECTURE = Architecture(
    name="topk",
    source="Schuster 2025, src/models/sparse_autoencoder.py, after Gao et al. 2024",
    init=init,
    loss=loss,
    fold=fold,
    paper=3,
)
