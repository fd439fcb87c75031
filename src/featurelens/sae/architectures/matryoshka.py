"""Matryoshka SAE: nested dictionaries, each of which must reconstruct by itself.

Activations are those of batchtopk. With the prefixes m in {d_sae/16, d_sae/8, d_sae/4, d_sae/2} and
x̂_m = z_{:m} W_dec,:m + b_dec,

    L = |x̂ - x|² + Σ_m |x̂_m - x|² + α |e - ê|²

so that the first features learn what is general. The nested terms count as auxiliary, which keeps
the error comparable with other architectures. Decoder rows are held at length 1. Source: Bussmann
et al. 2025, arXiv 2503.17547, with halving prefixes.
"""

from typing import Any

from featurelens.sae.architecture import Architecture, Output, Parameters, Step
from featurelens.sae.architectures import batchtopk
from featurelens.sae.centred import encoder_input, revival_loss
from featurelens.sae.config import SAEConfig
from featurelens.sae.losses import squared_error


def prefixes(d_sae: int) -> list[int]:
    """Widths of the nested dictionaries below the whole, each at least 1."""
    return sorted({d_sae // part for part in (16, 8, 4, 2)} - {0})


def loss(p: Parameters, x: Any, config: SAEConfig, step: Step) -> Output:
    """Give the loss of the rows ``x`` (n_rows, d_in)."""
    before = encoder_input(p, x)
    codes = batchtopk.batch_codes(p, before, config)
    reconstruction = codes @ p["W_dec"] + p["b_dec"]
    nested = sum(
        squared_error(codes[:, :m] @ p["W_dec"][:m] + p["b_dec"], x, config)
        for m in prefixes(before.shape[1])
    )
    return Output(
        error=squared_error(reconstruction, x, config),
        penalty=0.0,
        auxiliary=nested + revival_loss(p, x, reconstruction, before, step.dead, config),
        codes=codes,
    )


ARCHITECTURE = Architecture(
    name="matryoshka",
    source="Bussmann et al. 2025, arXiv 2503.17547",
    init=batchtopk.init,
    loss=loss,
    fold=batchtopk.fold,
    tracks_dead=True,
    unit_decoder=True,
    untrained=("threshold",),
)
