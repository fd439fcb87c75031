"""SAELens: ``cfg.json`` and ``sae_weights.safetensors``; also what featurelens writes itself.

Read as sae-lens 6.54.12 reads them (``saes/topk_sae.py``, ``saes/gated_sae.py``,
``loading/pretrained_sae_loaders.py``). A file from before version 6 names its activation apart from
its architecture: ``standard`` with ``activation_fn_str: topk`` is a TopK SAE.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from featurelens.io import InputError
from featurelens.sae.folded import Folded, RowUnits
from featurelens.sae.saved import Saved, Tensors, require_settings, require_tensors

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
SCALER = "activation_scaler.json"
"""Beside the checkpoints of training."""
_SCALED = ("expected_average_only_in", True)
FORM = "6.0.0"
"""Version of SAELens whose form this is; one that finds none takes the file for an older form,
and drops our metadata when it saves it."""

TENSORS = {
    "standard": ("W_enc", "b_enc", "W_dec", "b_dec"),
    "topk": ("W_enc", "b_enc", "W_dec", "b_dec"),
    "jumprelu": ("W_enc", "b_enc", "W_dec", "b_dec", "threshold"),
    "gated": ("W_enc", "b_gate", "r_mag", "b_mag", "W_dec", "b_dec"),
    "transcoder": ("W_enc", "b_enc", "W_dec", "b_dec"),
    "skip_transcoder": ("W_enc", "b_enc", "W_dec", "b_dec", "W_skip"),
    "jumprelu_transcoder": ("W_enc", "b_enc", "W_dec", "b_dec", "threshold"),
    "jumprelu_skip_transcoder": ("W_enc", "b_enc", "W_dec", "b_dec", "W_skip", "threshold"),
}
"""Architectures that are read, and the tensors of each."""
OWN = {"encoder": ("W_enc", "b_enc"), "groupmax": ("W_enc", "b_enc", "W_dec", "b_dec")}
"""What featurelens writes and SAELens has no class for."""

_REFUSED = {
    "batchtopk": "which keeps k of a batch; save it with save_inference_model, as a jumprelu SAE",
    "abstopk": "whose activations are negative too, and high cells would be those near zero",
    "matching_pursuit": "which takes atoms out of a row one after the other, without an encoder",
    "temporal": "which attends to the rows before: an activation is not of its row alone",
}
_HONOURED = {
    "reshape_activations": ("none", None),
    "finetuning_scaling_factor": (False, None),
    "activation_fn": ("relu", "topk"),
    "activation_fn_str": ("relu", "topk"),
}


def is_here(saved: Saved) -> bool:
    """Whether files are SAELens'."""
    return saved.has(WEIGHTS)


def is_of(tensors: Tensors) -> bool:  # noqa: ARG001
    """Nothing is known by its tensors: without ``cfg.json`` they do not say enough."""
    return False


def read(saved: Saved) -> Folded:
    """Fold a SAELens SAE.

    Raises
    ------
    InputError
        If a file is damaged, shapes disagree with ``cfg.json``, something cannot be folded, or the
        input is scaled by what no file says.
    """
    path = saved.folder / CONFIG
    config = saved.json(CONFIG)
    architecture, k = _architecture(config, path)
    if config.get("normalize_activations") in _SCALED and saved.input_scale is None:
        saved.input_scale = _scale_beside(saved)
    row_units = _row_units(config, saved.input_scale, path)
    require_settings(config, _HONOURED, path)
    tensors = saved.tensors(WEIGHTS)
    if architecture == "jumprelu" and "log_threshold" in tensors:
        tensors["threshold"] = np.exp(tensors.pop("log_threshold"))
    expected = (TENSORS | OWN)[architecture]
    if architecture == "encoder" and "threshold" in tensors:
        expected = (*expected, "threshold")
    require_tensors(tensors, expected, saved.folder / WEIGHTS)
    _require_shapes(tensors, config, saved.folder)
    about = dict(config.get("metadata") or {})
    metadata = dict(about.get("featurelens", {}))
    name = metadata.pop("architecture", architecture)
    saved.wrote(architecture, about.get("sae_lens_version") or config.get("sae_lens_version"))
    folded = _fold(architecture, name, k, metadata, tensors)
    if architecture == "groupmax" or config.get("in_groups"):
        folded = replace(folded, in_groups=True)
    if not folded.has_decoder:
        require_settings(config, {"apply_b_dec_to_input": (False,)}, path)
    elif config.get("apply_b_dec_to_input", True):
        folded = folded.reading(folded.b_dec)
    if config.get("rescale_acts_by_decoder_norm"):
        folded = folded.scaled_by_decoder(input_scale=saved.input_scale or 1.0)
    return replace(folded, row_units=row_units)


def _scale_beside(saved: Saved) -> float | None:
    """The factor that a checkpoint of training keeps beside the SAE, and load_from_disk leaves."""
    if not (saved.folder / SCALER).exists():
        return None
    factor = saved.json(SCALER).get("scaling_factor")
    return float(factor) if isinstance(factor, (int, float)) and factor > 0 else None


def _row_units(config: Mapping[str, Any], input_scale: float | None, path: Path) -> RowUnits | None:
    """How rows are brought to a unit of their own, where the files say all of it."""
    asked = config.get("normalize_activations")
    if asked in ("none", None, False):
        return None
    if asked in get_args(RowUnits):
        if input_scale is not None:
            raise InputError(
                f"{path}: normalize_activations is {asked!r}, which leaves nothing of an "
                "input_scale; drop it from the config"
            )
        return asked
    if asked in _SCALED:
        if input_scale is None:
            raise InputError(
                f"{path}: normalize_activations is {asked!r}, but the files do not say by what the "
                "input is multiplied; save the SAE with save_inference_model, which folds it into "
                "the weights, or write it as input_scale"
            )
        return None
    raise InputError(
        f"{path}: normalize_activations is {asked!r}, and the files do not say what it is; save "
        "the SAE with save_inference_model, which folds it into the weights"
    )


def _architecture(config: Mapping[str, Any], path: Path) -> tuple[str, int | None]:
    """Architecture in words of version 6, and k where it is TopK."""
    named = config.get("architecture", "standard")
    if named in _REFUSED:
        raise InputError(f"{path}: architecture {named!r} cannot be read, {_REFUSED[named]}")
    if named not in TENSORS | OWN:
        raise InputError(f"{path}: architecture {named!r} cannot be read; {', '.join(TENSORS)} can")
    activation = config.get("activation_fn_str", config.get("activation_fn"))
    if activation == "topk" and named == "standard":
        named = "topk"
    if named not in ("topk", "groupmax", "encoder") or (named == "encoder" and "k" not in config):
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
    nothing = np.zeros((arrays["W_enc"].shape[1], 0), np.float32)
    folded = Folded(
        name,
        W_enc=arrays["W_enc"],
        b_enc=arrays["b_enc"],
        W_dec=arrays.get("W_dec", nothing),
        b_dec=arrays.get("b_dec", nothing[0]),
        k=k,
        threshold=arrays.get("threshold"),
        metadata=metadata,
    )
    return folded.without_decoder() if architecture.endswith("transcoder") else folded


def _require_shapes(tensors: Tensors, config: Mapping[str, Any], folder: Path) -> None:
    d_in, d_sae = config.get("d_in"), config.get("d_sae")
    d_out = config.get("d_out", d_in)  # of a transcoder
    shapes = {"W_enc": (d_in, d_sae), "W_dec": (d_sae, d_out), "b_dec": (d_out,)}
    shapes["W_skip"] = (d_out, d_in)
    expected = {name: shapes.get(name, (d_sae,)) for name in tensors}
    found = {name: array.shape for name, array in tensors.items()}
    if found != expected:
        raise InputError(f"{folder}: {WEIGHTS} holds {found}, but {CONFIG} asks for {expected}")
