"""What the architectures share that see the input less the decoder's bias.

before = (x - b_dec) W_enc + b_enc,  x̂ = z W_dec + b_dec.
"""

from typing import Any

import numpy as np

from featurelens.sae.architecture import Parameters
from featurelens.sae.config import SAEConfig
from featurelens.sae.losses import keep_largest, squared_error


def encoder_input(p: Parameters, x: Any) -> Any:
    """(x - b_dec) W_enc + b_enc, (n_rows, d_sae)."""
    return (x - p["b_dec"]) @ p["W_enc"] + p["b_enc"]


def folded_bias(p: Parameters, W_enc: np.ndarray, b_enc: np.ndarray) -> np.ndarray:
    """b_enc - b_dec W_enc, summed in float64."""
    wide = np.float64
    folded = b_enc.astype(wide) - p["b_dec"].astype(wide) @ W_enc.astype(wide)
    return folded.astype(b_enc.dtype)


def revival_loss(
    p: Parameters, x: Any, reconstruction: Any, before: Any, dead: Any, config: SAEConfig
) -> Any:
    """Auxiliary loss α |e - ê|² of Gao et al. 2024 (arXiv 2406.04093, appendix A.2).

    e is the reconstruction error, held constant, and ê its reconstruction from the d_in / 2
    largest dead features. With fewer dead features the loss shrinks in proportion, as in SAELens.
    """
    n_dead = 0 if dead is None else int(dead.sum())
    if n_dead == 0 or config.auxiliary == 0:
        return 0.0
    wanted = max(1, x.shape[1] // 2)
    codes = keep_largest(before.masked_fill(~dead, -float("inf")), min(wanted, n_dead))
    error = (x - reconstruction).detach()
    share = min(n_dead / wanted, 1.0)
    return config.auxiliary * share * squared_error(codes @ p["W_dec"], error, config)
