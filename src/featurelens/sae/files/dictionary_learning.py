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
from featurelens.sae.folded import Folded
from featurelens.sae.saved import Saved, Tensors, require_tensors

CONFIG = "config.json"
WEIGHTS = "ae.pt"

_LINEAR = ("encoder.weight", "encoder.bias", "decoder.weight")
_FLAT = ("W_enc", "b_enc", "W_dec", "b_dec")


def is_here(saved: Saved) -> bool:
    """Whether files are dictionary_learning's."""
    return saved.has(WEIGHTS)


def is_of(tensors: Tensors) -> bool:
    """Whether a class of dictionary_learning has such tensors."""
    return bool(_classes_of(tensors))


def read(saved: Saved) -> Folded:
    """Fold a dictionary of dictionary_learning.

    Raises
    ------
    InputError
        If a file is damaged, or its class cannot be folded or is not known.
    """
    tensors = saved.tensors(WEIGHTS) if saved.has(WEIGHTS) else saved.loose_tensors
    path = saved.files[-1]
    kind = _class(saved, tensors, path)
    if kind not in CLASSES:
        where = saved.folder / CONFIG if (saved.folder / CONFIG).exists() else path
        raise InputError(
            f"{where}: trainer.dict_class {kind!r} cannot be read; {', '.join(CLASSES)} can"
        )
    names, fold = CLASSES[kind]
    require_tensors(tensors, names, path)
    saved.wrote(kind)
    return fold(kind, tensors, path)


def _class(saved: Saved, tensors: Tensors, path: Path) -> str | None:
    """Name of the class: as it was asked for, as ``config.json`` has it, or by the tensors."""
    if saved.asked.architecture is not None:
        return saved.asked.architecture
    if (saved.folder / CONFIG).exists():
        return saved.json(CONFIG).get("trainer", {}).get("dict_class")
    able = _classes_of(tensors)
    if len(able) != 1:
        said = f"may be a {' or a '.join(able)}" if able else "has tensors of none of its classes"
        raise InputError(
            f"{path}: there is no {CONFIG} beside it, and it {said}; get {CONFIG} too, or write "
            "the class as architecture"
        )
    return able[0]


def _classes_of(tensors: Tensors) -> list[str]:
    return [kind for kind, (names, _) in CLASSES.items() if set(names) == set(tensors)]


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
