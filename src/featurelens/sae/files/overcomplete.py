"""overcomplete: the state dict of one of its modules.

Read as overcomplete 0.3.0 uses it after ``eval()`` (``sae/``): the encoder is one linear layer,
with BatchNorm folded where it has it; nothing is subtracted from the input; atoms are brought to
length 1 (``DictionaryLayer``'s default, l2) and multiplied by ``exp(multiplier)``; features fire
at their threshold too. Which class it was, its ``top_k`` and the running threshold of BatchTopK
are attributes, and in no state dict.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from featurelens.io import InputError
from featurelens.sae.folded import Folded
from featurelens.sae.saved import Saved, Tensors, require_shapes

CLASSES = ("SAE", "TopKSAE", "BatchTopKSAE", "JumpSAE", "RATopKSAE", "RAJumpSAE")
"""Classes that are read."""
NEAR_ONE = 0.1
"""How far lengths of atoms may be from 1 in a file, which an optimiser's last step moved."""

_ATOMS, _POINTS = "dictionary._weights", ("dictionary.C", "dictionary.W", "dictionary.Relax")
_LINEAR = "encoder.final_block.0."
_NORM = "encoder.final_block.1."
_BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_EPS = 1e-5
"""Of torch.nn.BatchNorm1d."""


def is_here(saved: Saved) -> bool:  # noqa: ARG001
    """Nothing is known by the names of files, which are the user's."""
    return False


def is_of(tensors: Tensors) -> bool:
    """Whether there is a dictionary as overcomplete has it."""
    return "dictionary.multiplier" in tensors and (_ATOMS in tensors or _POINTS[0] in tensors)


def read(saved: Saved) -> Folded:
    """Fold a module of overcomplete.

    Raises
    ------
    InputError
        If the file is damaged, the class cannot be folded, or does not follow from what is given.
    """
    path = saved.loose or saved.path
    tensors = saved.loose_tensors
    if not is_of(tensors):
        raise InputError(f"{path}: holds no dictionary of overcomplete (dictionary.multiplier)")
    kind = _class(saved, tensors, path)
    atoms = _atoms(tensors, path)
    W_enc, b_enc, used = _encoder(tensors, atoms, path)
    used |= {"dictionary.multiplier", _ATOMS, *_POINTS, "thresholds"}
    unknown = sorted(set(tensors) - used)
    if unknown:
        raise InputError(f"{path}: also holds {', '.join(unknown)}, which cannot be folded")
    n_features, d_in = atoms.shape
    folded = Folded(kind, W_enc=W_enc, b_enc=b_enc, W_dec=atoms, b_dec=np.zeros(d_in, np.float32))
    shapes = {"W_enc": (d_in, n_features), "b_enc": (n_features,)}
    require_shapes({"W_enc": W_enc, "b_enc": b_enc}, shapes, path)
    saved.wrote(kind)
    return _active(folded, saved, tensors, path)


def _class(saved: Saved, tensors: Tensors, path: Path) -> str:
    asked = saved.asked.architecture
    if asked is not None and asked not in CLASSES:
        raise InputError(f"{path}: class {asked!r} cannot be read; {', '.join(CLASSES)} can")
    if "Q" in tensors:
        raise InputError(
            f"{path}: holds Q of a QSAE, whose codes are quantised; no SAE of a "
            "form that can be folded"
        )
    able = [
        name
        for name in CLASSES
        if name.startswith("RA") == (_ATOMS not in tensors)
        and name.endswith("JumpSAE") == ("thresholds" in tensors)
    ]
    if asked in able or (asked is None and len(able) == 1):
        return asked or able[0]
    said = "does not say" if asked is None else f"is no {asked}, by its tensors; it does not say"
    raise InputError(
        f"{path}: a state dict of overcomplete {said} whether it is of {' or '.join(able)}; write "
        "the class as architecture, with its k or threshold"
    )


def _atoms(tensors: Tensors, path: Path) -> np.ndarray:
    """The dictionary as it is used, (n_features, d_in)."""
    if _ATOMS in tensors:
        lengths = np.linalg.norm(tensors[_ATOMS].astype(np.float64), axis=1, keepdims=True)
        if np.abs(lengths - 1).max() > NEAR_ONE:
            raise InputError(
                f"{path}: lengths of atoms go from {lengths.min():.3g} to {lengths.max():.3g}, so "
                "they are not normalised by l2, the default, and the file does not say how; read "
                "the dictionary that is used, sae.get_dictionary(), with format: tensors"
            )
        atoms = tensors[_ATOMS] / (lengths + 1e-8)
    else:
        points, weights, relax = (tensors[name].astype(np.float64) for name in _POINTS)
        weights = np.maximum(weights, 0)
        atoms = weights / (weights.sum(axis=1, keepdims=True) + 1e-8) @ points + relax
    return (atoms * np.exp(np.float64(tensors["dictionary.multiplier"]))).astype(np.float32)


def _encoder(
    tensors: Tensors, atoms: np.ndarray, path: Path
) -> tuple[np.ndarray, np.ndarray, set[str]]:
    """Weights (d_in, n_features) and bias of the encoder, and the tensors that it is made of."""
    if f"{_LINEAR}weight" in tensors:
        weight, bias = tensors[f"{_LINEAR}weight"], tensors[f"{_LINEAR}bias"]
        used = {f"{_LINEAR}weight", f"{_LINEAR}bias"}
        if f"{_NORM}weight" not in tensors:
            return weight.T, bias, used
        if f"{_NORM}running_var" not in tensors:
            raise InputError(
                f"{path}: the encoder ends with a LayerNorm, which cannot be folded; that of "
                "linear and mlp_bn_1 can"
            )
        norm = {name: tensors[_NORM + name].astype(np.float64) for name in _BATCH_NORM}
        factor = norm["weight"] / np.sqrt(norm["running_var"] + _EPS)
        bias = (bias - norm["running_mean"]) * factor + norm["bias"]
        used |= {_NORM + name for name in _BATCH_NORM}
        return (weight * factor[:, None]).T.astype(np.float32), bias.astype(np.float32), used
    bias = tensors.get("encoder.bias", np.zeros(len(atoms), np.float32))
    if "encoder.weight" in tensors:
        return tensors["encoder.weight"].T, bias, {"encoder.weight", "encoder.bias"}
    tied = {name for name in tensors if name.startswith("encoder.tied_to.")}
    if tied:
        return atoms.T, bias, {*tied, "encoder.bias"}
    raise InputError(f"{path}: has no linear encoder, as pursuits have none; it cannot be folded")


def _active(folded: Folded, saved: Saved, tensors: Tensors, path: Path) -> Folded:
    """With its activation: ReLU, the k largest, or from a threshold on."""
    kind, asked = folded.architecture, saved.asked
    if kind == "BatchTopKSAE":
        if asked.threshold is None:
            raise _missing(path, kind, "threshold", "sae.running_threshold")
        return replace(folded, threshold=_below(np.full(len(folded.b_enc), asked.threshold)))
    if kind in ("TopKSAE", "RATopKSAE"):
        if asked.k is None:
            raise _missing(path, kind, "k", "sae.top_k")
        return replace(folded, k=asked.k)
    if "thresholds" in tensors:
        return replace(folded, threshold=_below(np.exp(tensors["thresholds"])))
    return folded


def _missing(path: Path, kind: str, key: str, attribute: str) -> InputError:
    return InputError(
        f"{path}: the {key} of a {kind} is an attribute that no state dict has ({attribute}); "
        f"write it as {key}"
    )


def _below(threshold: np.ndarray) -> np.ndarray:
    """Just below: features of overcomplete fire at their threshold, ours above it."""
    return np.nextafter(threshold.astype(np.float32), np.float32(-np.inf))
