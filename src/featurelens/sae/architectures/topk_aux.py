"""TopK SAE of Gao et al. with transposed initialisation, unit decoder and auxiliary loss.

z keeps the k largest of (x - b_dec) W_enc + b_enc in each row and cuts those below zero,
x̂ = z W_dec + b_dec, and

    L = |x̂ - x|² + α |e - ê|²

where ê rebuilds the error e = x - x̂ from dead features (:func:`.centred.revival_loss`). Decoder
rows are held at length 1. k is a percentage of the width, as for topk. b_dec starts at zero, not at
the data's geometric median. Source: Gao et al. 2024, arXiv 2406.04093.
"""

from typing import Any

from featurelens.sae.architecture import Architecture, Output, Parameters, Step, folded
from featurelens.sae.centred import encoder_input, folded_bias, revival_loss
from featurelens.sae.config import SAEConfig, n_kept
from featurelens.sae.initial import transposed
from featurelens.sae.losses import keep_largest, squared_error
from featurelens.sae.model import SAE


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    before = encoder_input(p, x)
    codes = keep_largest(before, n_kept(config, before.shape[1]))
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=0.0,
        auxiliary=revival_loss(p, x, reconstruction, before, step.dead, config),
        codes=codes,
    )


def fold(p: Parameters, config: SAEConfig) -> SAE:
    """Return the inference form, b_dec folded into the encoder's bias."""
    b_enc = folded_bias(p, p["W_enc"], p["b_enc"])
    return folded(p, config, b_enc=b_enc, k=n_kept(config, len(b_enc)))


ARCHITECTURE = Architecture(
    name="topk_aux",
    source="Gao et al. 2024, arXiv 2406.04093",
    init=transposed,
    loss=loss,
    fold=fold,
    tracks_dead=True,
    unit_decoder=True,
)
