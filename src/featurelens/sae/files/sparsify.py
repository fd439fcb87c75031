"""sparsify of EleutherAI: ``cfg.json`` and ``sae.safetensors`` in a folder a hookpoint.

Read as eai-sparsify 1.3.3 reads them (``sparse_coder.py``): the decoder's bias is taken from the
input, ReLU comes before the k largest are chosen.
"""

from __future__ import annotations

import numpy as np

from featurelens.io import InputError
from featurelens.sae.folded import Folded
from featurelens.sae.saved import Saved, Tensors, require_settings, require_tensors

CONFIG = "cfg.json"
WEIGHTS = "sae.safetensors"
TENSORS = ("encoder.weight", "encoder.bias", "W_dec", "b_dec")

_HONOURED = {"activation": ("topk",), "transcode": (False,), "skip_connection": (False,)}


def is_here(saved: Saved) -> bool:
    """Whether files are sparsify's."""
    return saved.has(WEIGHTS)


def is_of(tensors: Tensors) -> bool:  # noqa: ARG001
    """Nothing is known by its tensors: without ``cfg.json`` they do not say enough."""
    return False


def read(saved: Saved) -> Folded:
    """Fold a sparse coder of sparsify.

    Raises
    ------
    InputError
        If a file is damaged, shapes disagree with ``cfg.json``, or something cannot be folded.
    """
    folder, path = saved.folder, saved.folder / CONFIG
    config = saved.json(CONFIG)
    tensors = saved.tensors(WEIGHTS)
    require_settings(config, _HONOURED, path)
    require_tensors(tensors, TENSORS, folder / WEIGHTS)
    d_in, k = config.get("d_in"), config.get("k")
    if not isinstance(d_in, int) or not isinstance(k, int):
        raise InputError(f"{path}: d_in is {d_in!r} and k {k!r}; both are numbers")
    width = config.get("num_latents") or d_in * config.get("expansion_factor", 32)
    if tensors["encoder.weight"].shape != (width, d_in):
        found = tensors["encoder.weight"].shape
        raise InputError(
            f"{folder}: {WEIGHTS} holds an encoder of shape {found}, but {CONFIG} asks for "
            f"{(width, d_in)}"
        )
    saved.wrote("topk")
    folded = Folded(
        architecture="sparsify",
        W_enc=np.ascontiguousarray(tensors["encoder.weight"].T),
        b_enc=tensors["encoder.bias"],
        W_dec=tensors["W_dec"],
        b_dec=tensors["b_dec"],
        k=k,
    )
    return folded.reading(folded.b_dec)
