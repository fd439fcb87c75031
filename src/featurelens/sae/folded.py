"""The inference form of SAEs, what files of them are folded into, and the arithmetic of folding."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import SafetensorError, deserialize

from featurelens.io import InputError

Tensors = dict[str, np.ndarray]

_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2"),
    "I64": np.dtype("<i8"), "I32": np.dtype("<i4"), "U8": np.dtype("u1"), "BOOL": np.dtype("?"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Folded:
    """An SAE as ``x W_enc + b_enc``, an activation, ``z W_dec + b_dec``.

    The activation keeps the ``k`` largest, or what lies above ``threshold``, and is never negative.
    """

    architecture: str
    """Name of the architecture that was trained, in the package that trained it."""
    W_enc: np.ndarray
    """Encoder, (d_in, d_sae)."""
    b_enc: np.ndarray
    """Encoder bias with any pre-bias folded in, (d_sae,)."""
    W_dec: np.ndarray
    """Decoder, one direction per feature, (d_sae, d_in)."""
    b_dec: np.ndarray
    """Decoder bias, (d_in,)."""
    k: int | None = None
    """Features kept per row, or None."""
    threshold: np.ndarray | None = None
    """Value above which a feature fires, (d_sae,), or None for zero."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What training recorded: config, data_sha256, library version and the like."""

    @classmethod
    def gated(
        cls,
        architecture: str,
        *,
        W_enc: np.ndarray,
        gate: np.ndarray,
        log_scale: np.ndarray,
        magnitude: np.ndarray,
        W_dec: np.ndarray,
        b_dec: np.ndarray,
    ) -> Self:
        """A gated encoder as one with a threshold.

        ``x W_enc + gate > 0`` opens the gate of ``exp(log_scale) x W_enc + magnitude``, which is
        so where that lies above ``magnitude - exp(log_scale) gate`` (Rajamanoharan et al. 2024,
        arXiv 2404.16014, equation 7).
        """
        scale = np.exp(log_scale.astype(np.float64))
        return cls(
            architecture,
            W_enc=(W_enc * scale).astype(W_enc.dtype),
            b_enc=magnitude,
            W_dec=W_dec,
            b_dec=b_dec,
            threshold=(magnitude - scale * gate).astype(W_enc.dtype),
        )

    def reading(self, shift: np.ndarray) -> Self:
        """The same SAE where the package subtracts ``shift`` (d_in,) from its input."""
        moved = self.b_enc.astype(np.float64) - shift.astype(np.float64) @ self.W_enc
        return replace(self, b_enc=moved.astype(self.b_enc.dtype))

    def scaled(self, factors: np.ndarray) -> Self:
        """Activations times ``factors`` (d_sae,), none negative, and the same reconstruction."""
        wide = factors.astype(np.float64)
        kind = self.W_enc.dtype
        threshold = None if self.threshold is None else (self.threshold * wide).astype(kind)
        return replace(
            self,
            W_enc=(self.W_enc * wide).astype(kind),
            b_enc=(self.b_enc * wide).astype(kind),
            W_dec=(self.W_dec / np.where(wide > 0, wide, 1)[:, None]).astype(kind),
            threshold=threshold,
        )

    def scaled_by_decoder(self) -> Self:
        """Activations in units of their decoder row, whose length is then 1."""
        return self.scaled(np.linalg.norm(self.W_dec.astype(np.float64), axis=1))


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a file.

    Raises
    ------
    InputError
        If it is no JSON or no mapping.
    """
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path}: not readable as JSON ({error}); train the SAE again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}, not names with values")
    return content


def read_tensors(path: Path) -> Tensors:
    """Arrays of a safetensors file; half and bfloat16 precision become single.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of another form.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; train the SAE again")
    try:
        found = dict(deserialize(path.read_bytes()))
    except (SafetensorError, ValueError) as error:
        raise InputError(
            f"{path}: damaged or no safetensors file ({error}); pickled weights are never read, "
            "train the SAE again"
        ) from error
    return {name: _as_array(path, name, tensor) for name, tensor in found.items()}


def read_honoured(
    weights: Path,
    expected: Iterable[str],
    *,
    config: Mapping[str, Any],
    honoured: Mapping[str, tuple],
    where: Path,
) -> Tensors:
    """:func:`read_tensors` of a form, where its settings are honoured and it holds no more.

    Parameters
    ----------
    weights, expected
        The file, and the names of the tensors that its form has.
    config, honoured, where
        As for :func:`require_settings`.

    Raises
    ------
    InputError
        As :func:`require_settings`, :func:`read_tensors` and :func:`require_tensors`, in this
        order.
    """
    require_settings(config, honoured, where)
    tensors = read_tensors(weights)
    require_tensors(tensors, expected, weights)
    return tensors


def _as_array(path: Path, name: str, tensor: Mapping[str, Any]) -> np.ndarray:
    kind = tensor["dtype"]
    if kind not in _TYPES:
        known = ", ".join(_TYPES)
        raise InputError(f"{path}: {name} is of type {kind}; {known} are read, save it as F32")
    array = np.frombuffer(tensor["data"], dtype=_TYPES[kind]).reshape(tensor["shape"])
    if kind == "BF16":  # the upper half of a single
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32) if kind == "F16" else array.copy()


def require_tensors(found: Iterable[str], expected: Iterable[str], where: Path) -> None:
    """Raise an InputError unless a file holds the tensors that its form has, and no other.

    A tensor that is not read would change the codes in silence.
    """
    found, expected = set(found), set(expected)
    if found != expected:
        missing, unknown = sorted(expected - found), sorted(found - expected)
        parts = [f"lacks {', '.join(missing)}"] * bool(missing)
        parts += [f"also holds {', '.join(unknown)}, which is not honoured"] * bool(unknown)
        raise InputError(f"{where}: {' and '.join(parts)}; it should hold {sorted(expected)}")


def require_settings(config: Mapping[str, Any], honoured: Mapping[str, tuple], where: Path) -> None:
    """Raise an InputError where a setting has a value that is not honoured.

    Parameters
    ----------
    config
        What the file says.
    honoured
        Values that each setting may have; one that is absent is fine.
    where
        The file.
    """
    for name, values in honoured.items():
        if name in config and config[name] not in values:
            allowed = " or ".join(repr(value) for value in values)
            raise InputError(
                f"{where}: {name} is {config[name]!r}, which cannot be folded into the weights; "
                f"{allowed} can"
            )
