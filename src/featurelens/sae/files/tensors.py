"""Tensors of any file, by the names that the config gives them (:class:`TensorNames`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from featurelens.io import InputError
from featurelens.sae.config import ImportedSAE, TensorNames
from featurelens.sae.folded import Folded
from featurelens.sae.saved import Saved, Tensors, require_shapes

ACTIVATIONS = ("relu", "topk", "jumprelu")


def is_here(saved: Saved) -> bool:
    """Whether the names of tensors were given."""
    return saved.asked.tensors is not None


def is_of(tensors: Tensors) -> bool:  # noqa: ARG001
    """Nothing is known by its tensors: their names are given."""
    return False


def read(saved: Saved) -> Folded:
    """Fold tensors by the names that were given.

    Raises
    ------
    InputError
        If one is not there, shapes disagree, or the activation is not said.
    """
    path, names, asked = saved.loose, saved.asked.tensors, saved.asked
    tensors = saved.loose_tensors
    if path is None or names is None:
        raise InputError(f"{saved.path}: format tensors needs names; write tensors: {{W_enc: ...}}")
    found = _named(tensors, names, path)
    activation = asked.architecture
    if activation not in ACTIVATIONS:
        raise InputError(
            f"{path}: architecture is {activation!r}; write {', '.join(ACTIVATIONS)}, what the "
            "encoder applies"
        )
    folded = _linear(found, names, path)
    if "subtracted" in found:
        folded = folded.reading(found["subtracted"])
    if "added" in found:
        folded = folded.reading(-found["added"])
    saved.wrote(activation)
    if activation == "topk":
        if asked.k is None:
            raise InputError(f"{path}: a topk SAE needs the number of features to keep; write k")
        return replace(folded, architecture=activation, k=asked.k)
    if activation == "jumprelu":
        threshold = _threshold(found, asked, path)
        return replace(folded, architecture=activation, threshold=threshold + 0 * folded.b_enc)
    return replace(folded, architecture=activation)


def _named(tensors: Tensors, names: TensorNames, path: Path) -> Tensors:
    asked = {key: name for key, name in vars(names).items() if isinstance(name, str)}
    for key, name in asked.items():
        if name not in tensors:
            known = ", ".join(sorted(tensors))
            raise InputError(f"{path}: has no tensor {name!r} (tensors.{key}); it has {known}")
    return {key: tensors[name] for key, name in asked.items()}


def _linear(found: Tensors, names: TensorNames, path: Path) -> Folded:
    """Encoder and decoder in our orientation, and biases."""
    W_enc = found["W_enc"]
    if W_enc.ndim != 2:
        raise InputError(f"{path}: {names.W_enc!r} has shape {W_enc.shape}, but an encoder has two")
    transposed = names.transposed
    if transposed is None:
        transposed = _is_transposed(found, names, path)
    W_enc = W_enc.T if transposed else W_enc
    d_in, d_sae = W_enc.shape
    W_dec = found.get("W_dec", W_enc if transposed and d_in == d_sae else W_enc.T)
    if W_dec.shape == (d_in, d_sae) and (transposed or d_in != d_sae):
        W_dec = W_dec.T
    b_enc = found.get("b_enc", np.zeros(d_sae, np.float32))
    b_dec = found.get("b_dec", np.zeros(d_in, np.float32))
    shapes = {"W_dec": (d_sae, d_in), "b_enc": (d_sae,), "b_dec": (d_in,)}
    shapes |= dict.fromkeys(("subtracted", "added"), (d_in,))
    present = found | {"W_dec": W_dec, "b_enc": b_enc, "b_dec": b_dec}
    require_shapes(present, {key: shape for key, shape in shapes.items() if key in present}, path)
    return Folded("relu", W_enc=W_enc, b_enc=b_enc, W_dec=W_dec, b_dec=b_dec)


def _is_transposed(found: Tensors, names: TensorNames, path: Path) -> bool:
    """Whether the encoder is (d_sae, d_in), by the length of a bias."""
    first, second = found["W_enc"].shape
    of_features = [len(found[key]) for key in ("b_enc",) if key in found]
    of_inputs = [len(found[key]) for key in ("b_dec", "subtracted", "added") if key in found]
    if first != second and (of_features or of_inputs):
        return first in of_features or second in of_inputs
    raise InputError(
        f"{path}: {names.W_enc!r} has shape {(first, second)}, and nothing tells features from "
        "inputs; write tensors.transposed: true where its rows are features"
    )


def _threshold(found: Tensors, asked: ImportedSAE, path: Path) -> np.ndarray:
    if "log_threshold" in found:
        return np.exp(found["log_threshold"])
    if "threshold" in found:
        return found["threshold"]
    if asked.threshold is None:
        raise InputError(
            f"{path}: a jumprelu SAE needs what its features exceed; write threshold, or the name "
            "of a tensor as tensors.threshold or tensors.log_threshold"
        )
    return np.asarray(asked.threshold, np.float32)
