"""sparsify of EleutherAI: ``cfg.json`` and ``sae.safetensors`` in a folder a hookpoint.

Read as eai-sparsify 1.3.3 reads them (``sparse_coder.py``): the decoder's bias is taken from the
input, but not from that of a transcoder, of which the encoder alone is kept; ReLU comes before the
k largest are chosen, or with ``groupmax`` the largest of each of k groups.
"""

from __future__ import annotations

import numpy as np

from featurelens.io import InputError
from featurelens.sae.folded import Folded
from featurelens.sae.saved import Saved, Tensors, require_settings, require_tensors

CONFIG = "cfg.json"
WEIGHTS = "sae.safetensors"
TENSORS = ("encoder.weight", "encoder.bias", "W_dec", "b_dec")

_HONOURED = {"activation": ("topk", "groupmax"), "transcode": (False, True)}


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
    is_transcoder = bool(config.get("transcode"))
    has_skip = bool(config.get("skip_connection"))
    if has_skip and not is_transcoder:
        raise InputError(
            f"{path}: skip_connection is True of an autoencoder, which then hands its input on; "
            "that of a transcoder can be read"
        )
    require_tensors(tensors, (*TENSORS, "W_skip") if has_skip else TENSORS, folder / WEIGHTS)
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
    in_groups = config.get("activation") == "groupmax"
    if in_groups and width % k:
        raise InputError(f"{path}: {width} features are not {k} groups of one size; k must divide")
    saved.wrote(("groupmax" if in_groups else "topk") + " transcoder" * is_transcoder)
    folded = Folded(
        architecture="sparsify transcoder" if is_transcoder else "sparsify",
        W_enc=np.ascontiguousarray(tensors["encoder.weight"].T),
        b_enc=tensors["encoder.bias"],
        W_dec=tensors["W_dec"],
        b_dec=tensors["b_dec"],
        k=k,
        in_groups=in_groups,
    )
    return folded.without_decoder() if is_transcoder else folded.reading(folded.b_dec)
