"""SAELens: ``cfg.json`` and ``sae_weights.safetensors``; also what featurelens writes itself.

Read as sae-lens 6.54.12 reads them (``saes/topk_sae.py``, ``saes/gated_sae.py``,
``loading/pretrained_sae_loaders.py``). A file from before version 6 names its activation apart from
its architecture: ``standard`` with ``activation_fn_str: topk`` is a TopK SAE.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featurelens.io import InputError
from featurelens.sae.folded import Folded, Tensors, read_honoured, read_json

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
FORM = "6.0.0"
"""Version of SAELens whose form this is; one that finds none takes the file for an older form,
and drops our metadata when it saves it."""

TENSORS = {
    "standard": ("W_enc", "b_enc", "W_dec", "b_dec"),
    "topk": ("W_enc", "b_enc", "W_dec", "b_dec"),
    "jumprelu": ("W_enc", "b_enc", "W_dec", "b_dec", "threshold"),
    "gated": ("W_enc", "b_gate", "r_mag", "b_mag", "W_dec", "b_dec"),
}
"""Architectures that are read, and the tensors of each."""

_HONOURED = {
    "normalize_activations": ("none", None, False),
    "reshape_activations": ("none", None),
    "finetuning_scaling_factor": (False, None),
    "activation_fn": ("relu", "topk"),
    "activation_fn_str": ("relu", "topk"),
}


def is_here(folder: Path) -> bool:
    """Whether a folder holds SAELens' files."""
    return (folder / WEIGHTS).exists()


def read(folder: Path) -> Folded:
    """Fold a SAELens SAE.

    Raises
    ------
    InputError
        If a file is damaged, shapes disagree with ``cfg.json``, or something cannot be folded.
    """
    path = folder / CONFIG
    config = read_json(path)
    architecture, k = _architecture(config, path)
    tensors = read_honoured(
        folder / WEIGHTS, TENSORS[architecture], config=config, honoured=_HONOURED, where=path
    )
    _require_shapes(tensors, config, folder)
    metadata = dict(config.get("metadata", {}).get("featurelens", {}))
    name = metadata.pop("architecture", architecture)
    folded = _fold(architecture, name, k, metadata, tensors)
    if config.get("apply_b_dec_to_input", True):
        folded = folded.reading(folded.b_dec)
    return folded.scaled_by_decoder() if config.get("rescale_acts_by_decoder_norm") else folded


def _architecture(config: Mapping[str, Any], path: Path) -> tuple[str, int | None]:
    """Architecture in words of version 6, and k where it is TopK."""
    named = config.get("architecture", "standard")
    if named not in TENSORS:
        raise InputError(f"{path}: architecture {named!r} cannot be read; {', '.join(TENSORS)} can")
    activation = config.get("activation_fn_str", config.get("activation_fn"))
    if activation == "topk" and named == "standard":
        named = "topk"
    if named != "topk":
        return named, None
    k = config.get("k", (config.get("activation_fn_kwargs") or {}).get("k"))
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise InputError(f"{path}: k is {k!r}; a topk SAE needs the number of features to keep")
    return named, k


def _fold(architecture: str, name: str, k: int | None, metadata: dict, arrays: Tensors) -> Folded:
    if architecture == "gated":
        return Folded.gated(
            name,
            W_enc=arrays["W_enc"],
            gate=arrays["b_gate"],
            log_scale=arrays["r_mag"],
            magnitude=arrays["b_mag"],
            W_dec=arrays["W_dec"],
            b_dec=arrays["b_dec"],
        )
    return Folded(
        name,
        W_enc=arrays["W_enc"],
        b_enc=arrays["b_enc"],
        W_dec=arrays["W_dec"],
        b_dec=arrays["b_dec"],
        k=k,
        threshold=arrays.get("threshold"),
        metadata=metadata,
    )


def _require_shapes(tensors: Tensors, config: Mapping[str, Any], folder: Path) -> None:
    d_in, d_sae = config.get("d_in"), config.get("d_sae")
    shapes = {"W_enc": (d_in, d_sae), "W_dec": (d_sae, d_in), "b_dec": (d_in,)}
    expected = {name: shapes.get(name, (d_sae,)) for name in tensors}
    found = {name: array.shape for name, array in tensors.items()}
    if found != expected:
        raise InputError(f"{folder}: {WEIGHTS} holds {found}, but {CONFIG} asks for {expected}")
