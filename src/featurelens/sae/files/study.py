"""The study's own SAEs, as state dicts: of his cells, of his simulations, and of scFeatureLens.

Cells and scFeatureLens (02_experiments/singlecell/01_sae_training.py; tools/scFeatureLens/sae.py)
keep two layers of torch. Simulations and sweeps (src/models/sparse_autoencoder.py) keep biases as
layers of their own, and each module twice: by its own name, and by its place in ``encoder``, which
alone says whether the pre-bias, which is added, is used at all. TopK saves k beside them and takes
the k largest before it cuts at zero.
"""

from __future__ import annotations

import numpy as np

from featurelens.io import InputError
from featurelens.sae.folded import Folded
from featurelens.sae.saved import Saved, Tensors, require_shapes, require_tensors

LINEAR = ("encoder.0.weight", "encoder.0.bias", "decoder.0.weight", "decoder.0.bias")
_NAMED = ("pre_bias.bias_layer", "latent_bias.bias_layer", "encoder_linear.weight")
_BIAS = "bias_layer"


def is_here(saved: Saved) -> bool:  # noqa: ARG001
    """Nothing is known by the names of files: the study has its settings in them."""
    return False


def is_of(tensors: Tensors) -> bool:
    """Whether tensors are named as in a class of the study."""
    return set(tensors) == set(LINEAR) or set(_NAMED) <= set(tensors)


def read(saved: Saved) -> Folded:
    """Fold an SAE of the study.

    Raises
    ------
    InputError
        If the file is damaged or holds other tensors.
    """
    tensors, path = saved.loose_tensors, saved.loose or saved.path
    if set(_NAMED) <= set(tensors):
        return _of_layers(saved, tensors)
    require_tensors(tensors, LINEAR, path)
    saved.wrote("SparseAutoencoder of cells")
    return _folded(
        saved,
        W_enc=tensors["encoder.0.weight"].T,
        b_enc=tensors["encoder.0.bias"],
        W_dec=tensors["decoder.0.weight"].T,
        b_dec=tensors["decoder.0.bias"],
    )


def _of_layers(saved: Saved, tensors: Tensors) -> Folded:
    """The class of simulations; its encoder begins with the pre-bias where that is used."""
    has_pre_bias = f"encoder.0.{_BIAS}" in tensors
    linear, latent, last = (1, 2, 3) if has_pre_bias else (0, 1, 2)
    names = {f"encoder.{linear}.weight", f"encoder.{latent}.{_BIAS}", "decoder.0.weight", *_NAMED}
    names |= {f"encoder.0.{_BIAS}"} if has_pre_bias else set()
    optional = {f"decoder.1.{_BIAS}"}  # tied ones have none
    optional |= {f"{place}.{name}" for place in ("activation", f"encoder.{last}") for name in _TOPK}
    require_tensors(tensors, names | (optional & set(tensors)), saved.loose or saved.path)
    saved.wrote("SparseAutoencoder of simulations")
    weight = tensors["decoder.0.weight"].T
    folded = _folded(
        saved,
        W_enc=tensors[f"encoder.{linear}.weight"].T,
        b_enc=tensors[f"encoder.{latent}.{_BIAS}"],
        W_dec=weight,
        b_dec=tensors.get(f"decoder.1.{_BIAS}", weight[0] * 0),
        k=_kept(saved, tensors),
    )
    return folded.reading(-tensors[f"encoder.0.{_BIAS}"]) if has_pre_bias else folded


_TOPK = ("k", "postact_fn")


def _kept(saved: Saved, tensors: Tensors) -> int | None:
    if "activation.k" not in tensors:
        return saved.asked.k
    after = str(tensors.get("activation.postact_fn", "ReLU"))
    if after != "ReLU":
        raise InputError(
            f"{saved.loose}: activation.postact_fn is {after!r}, which may leave activations "
            "negative; 'ReLU' is read"
        )
    return int(tensors["activation.k"])


def _folded(
    saved: Saved,
    *,
    W_enc: np.ndarray,
    b_enc: np.ndarray,
    W_dec: np.ndarray,
    b_dec: np.ndarray,
    k: int | None = None,
) -> Folded:
    d_in, d_sae = W_enc.shape
    shapes = {"b_enc": (d_sae,), "W_dec": (d_sae, d_in), "b_dec": (d_in,)}
    found = {"b_enc": b_enc, "W_dec": W_dec, "b_dec": b_dec}
    require_shapes(found, shapes, saved.loose or saved.path)
    kind = "topk" if k is not None else "relu"
    return Folded(kind, W_enc=W_enc, b_enc=b_enc, W_dec=W_dec, b_dec=b_dec, k=k)
