"""dictionary_learning: ``ae.pt`` and ``config.json``, which names the class.

Read as dictionary-learning 0.1.0 reads them (``dictionary.py``, ``trainers/``): ``from_pretrained``
of its plain autoencoders brings the decoder's rows to length 1 and the activations with them, and
a BatchTopK SAE encodes with the threshold that it learnt, not with its k.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from featurelens.io import InputError
from featurelens.sae.folded import Folded, Tensors, read_json, require_tensors
from featurelens.torch_files import load_safely

CONFIG = "config.json"
WEIGHTS = "ae.pt"

_LINEAR = ("encoder.weight", "encoder.bias", "decoder.weight")
_FLAT = ("W_enc", "b_enc", "W_dec", "b_dec")


def is_here(folder: Path) -> bool:
    """Whether a folder holds files of dictionary_learning."""
    return (folder / WEIGHTS).exists() and (folder / CONFIG).exists()


def read(folder: Path) -> Folded:
    """Fold a dictionary of dictionary_learning.

    Raises
    ------
    InputError
        If a file is damaged, or its class cannot be folded.
    """
    kind = read_json(folder / CONFIG).get("trainer", {}).get("dict_class")
    if kind not in CLASSES:
        raise InputError(
            f"{folder / CONFIG}: trainer.dict_class {kind!r} cannot be read; "
            f"{', '.join(CLASSES)} can"
        )
    names, fold = CLASSES[kind]
    path = folder / WEIGHTS
    stored = load_safely(str(path))
    tensors = {name: tensor.float().numpy() for name, tensor in stored.items()}
    require_tensors(tensors, names, path)
    return fold(kind, tensors, path)


def _linear(
    kind: str,
    tensors: Tensors,
    bias: str,
    *,
    k: int | None = None,
    threshold: np.ndarray | None = None,
) -> Folded:
    """Layers of torch, whose weights are (out, in)."""
    return Folded(
        architecture=kind,
        W_enc=np.ascontiguousarray(tensors["encoder.weight"].T),
        b_enc=tensors["encoder.bias"],
        W_dec=np.ascontiguousarray(tensors["decoder.weight"].T),
        b_dec=tensors[bias],
        k=k,
        threshold=threshold,
    )


def _plain(kind: str, tensors: Tensors, path: Path) -> Folded:  # noqa: ARG001
    folded = _linear(kind, tensors, "bias")
    return folded.reading(folded.b_dec).scaled_by_decoder()


def _new(kind: str, tensors: Tensors, path: Path) -> Folded:  # noqa: ARG001
    return _linear(kind, tensors, "decoder.bias").scaled_by_decoder()


def _topk(kind: str, tensors: Tensors, path: Path) -> Folded:  # noqa: ARG001
    folded = _linear(kind, tensors, "b_dec", k=int(tensors["k"]))
    return folded.reading(folded.b_dec)


def _batchtopk(kind: str, tensors: Tensors, path: Path) -> Folded:
    folded = _linear(kind, tensors, "b_dec", threshold=_learnt_threshold(tensors, path))
    return folded.reading(folded.b_dec)


def _flat(kind: str, tensors: Tensors, threshold: np.ndarray) -> Folded:
    return Folded(
        kind,
        W_enc=tensors["W_enc"],
        b_enc=tensors["b_enc"],
        W_dec=tensors["W_dec"],
        b_dec=tensors["b_dec"],
        threshold=threshold,
    )


def _matryoshka(kind: str, tensors: Tensors, path: Path) -> Folded:
    folded = _flat(kind, tensors, _learnt_threshold(tensors, path))
    return folded.reading(folded.b_dec)


def _jumprelu(kind: str, tensors: Tensors, path: Path) -> Folded:  # noqa: ARG001
    return _flat(kind, tensors, tensors["threshold"])


def _gated(kind: str, tensors: Tensors, path: Path) -> Folded:  # noqa: ARG001
    folded = Folded.gated(
        kind,
        W_enc=np.ascontiguousarray(tensors["encoder.weight"].T),
        gate=tensors["gate_bias"],
        log_scale=tensors["r_mag"],
        magnitude=tensors["mag_bias"],
        W_dec=np.ascontiguousarray(tensors["decoder.weight"].T),
        b_dec=tensors["decoder_bias"],
    )
    return folded.reading(folded.b_dec)


def _learnt_threshold(tensors: Tensors, path: Path) -> np.ndarray:
    threshold = float(tensors["threshold"])
    if threshold < 0:
        raise InputError(
            f"{path}: threshold is {threshold:g}, which it is until training sets it (step 1,000 "
            "by default); without it every positive feature would fire, train longer"
        )
    n_features = len(tensors["encoder.bias" if "encoder.bias" in tensors else "b_enc"])
    return np.full(n_features, threshold, np.float32)


CLASSES: dict[str, tuple[tuple[str, ...], Callable[[str, Tensors, Path], Folded]]] = {
    "AutoEncoder": (("bias", *_LINEAR), _plain),
    "AutoEncoderNew": ((*_LINEAR, "decoder.bias"), _new),
    "AutoEncoderTopK": ((*_LINEAR, "b_dec", "k", "threshold"), _topk),
    "BatchTopKSAE": ((*_LINEAR, "b_dec", "k", "threshold"), _batchtopk),
    "MatryoshkaBatchTopKSAE": ((*_FLAT, "k", "threshold", "group_sizes"), _matryoshka),
    "JumpReluAutoEncoder": ((*_FLAT, "threshold"), _jumprelu),
    "GatedAutoEncoder": (
        ("decoder_bias", "encoder.weight", "r_mag", "gate_bias", "mag_bias", "decoder.weight"),
        _gated,
    ),
}
"""Classes that are read: their tensors, and how each is folded."""
