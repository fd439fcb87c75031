"""The inference form of SAEs, what files of them are folded into, and the arithmetic of folding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from featurelens.io import InputError

RowUnits = Literal["layer_norm", "constant_norm_rescale"]
"""Ways of bringing each row to a unit of its own, by SAELens' names."""


@dataclass(frozen=True, eq=False)
class Folded:
    """An SAE as ``x W_enc + b_enc``, an activation, ``z W_dec + b_dec``.

    The activation keeps the ``k`` largest, the largest of each of ``k`` groups, or what lies above
    ``threshold``, and is never negative. A transcoder's decoder predicts another layer than its
    input: of it the encoder alone is kept (:meth:`without_decoder`).
    """

    architecture: str
    """Name of the architecture that was trained, in the package that trained it."""
    W_enc: np.ndarray
    """Encoder, (d_in, d_sae)."""
    b_enc: np.ndarray
    """Encoder bias with any pre-bias folded in, (d_sae,)."""
    W_dec: np.ndarray
    """Decoder, one direction per feature, (d_sae, d_in); (d_sae, 0) without decoder."""
    b_dec: np.ndarray
    """Decoder bias, (d_in,); (0,) without decoder."""
    k: int | None = None
    """Features kept per row, or None."""
    threshold: np.ndarray | None = None
    """Value above which a feature fires, (d_sae,), or None for zero."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What training recorded: config, data_sha256, library version and the like."""
    row_units: RowUnits | None = None
    """How each row is brought to a unit of its own before it is encoded; None leaves it."""
    in_groups: bool = False
    """Whether ``k`` counts groups of neighbouring features, each of which keeps its largest."""

    def __post_init__(self) -> None:
        """Whole numbers become what products of them are; a ValueError where shapes do not fit.

        numpy would take a vector of one value for all features.
        """
        for name in ("W_enc", "b_enc", "W_dec", "b_dec", "threshold"):
            array = getattr(self, name)
            if array is not None and array.dtype.kind in "iub":
                object.__setattr__(self, name, array.astype(np.float32))
        if self.W_enc.ndim != 2 or not self.W_enc.size or self.W_dec.ndim != 2:
            raise ValueError(f"W_enc has shape {self.W_enc.shape} and W_dec {self.W_dec.shape}")
        (d_in, d_sae), d_out = self.W_enc.shape, self.W_dec.shape[1]
        expected = {"b_enc": (d_sae,), "W_dec": (d_sae, d_out), "b_dec": (d_out,)}
        expected |= {} if self.threshold is None else {"threshold": (d_sae,)}
        for name, shape in expected.items():
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(
                    f"{name} has shape {found}, but {d_in} inputs and {d_sae} features need {shape}"
                )

    @property
    def has_decoder(self) -> bool:
        """Whether it gives its input back; a transcoder does not."""
        return self.W_dec.shape[1] > 0

    def without_decoder(self) -> Self:
        """The encoder alone."""
        kind = self.W_enc.dtype
        nothing = np.zeros((self.W_enc.shape[1], 0), kind)
        return replace(self, W_dec=nothing, b_dec=np.zeros(0, kind))

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
        kind = np.result_type(W_enc, np.float16)
        scale = np.exp(log_scale.astype(np.float64))
        return cls(
            architecture,
            W_enc=(W_enc * scale).astype(kind),
            b_enc=magnitude,
            W_dec=W_dec,
            b_dec=b_dec,
            threshold=(magnitude - scale * gate).astype(kind),
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

    def scaled_by_decoder(self, *, input_scale: float = 1.0) -> Self:
        """Activations in units of their decoder row, whose length is then 1.

        Where the input is going to be scaled (:meth:`of_scaled`), it is 1 behind that.
        """
        return self.scaled(np.linalg.norm(self.W_dec.astype(np.float64), axis=1) / input_scale)

    def of_scaled(self, factor: float) -> Self:
        """The SAE of rows as they are which does what this one does to rows times ``factor``."""
        kind = self.W_enc.dtype
        return replace(
            self,
            W_enc=(self.W_enc * factor).astype(kind),
            W_dec=(self.W_dec / factor).astype(kind),
            b_dec=(self.b_dec / factor).astype(kind),
        )

    def in_single(self) -> Self:
        """The same in single precision, in which activations are computed."""
        arrays = {name: getattr(self, name) for name in ("W_enc", "b_enc", "W_dec", "b_dec")}
        threshold = None if self.threshold is None else self.threshold.astype(np.float32)
        single = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
        return replace(self, **single, threshold=threshold)


def require_whole(sae: Folded, where: Path) -> None:
    """Raise :class:`InputError` unless an SAE gives its input back, of numbers that are finite."""
    if sae.has_decoder and sae.W_dec.shape[1] != len(sae.W_enc):
        raise InputError(
            f"{where}: its decoder gives {sae.W_dec.shape[1]} dimensions and its encoder takes "
            f"{len(sae.W_enc)}; one of a transcoder says so in its config"
        )
    for name in ("W_enc", "b_enc", "W_dec", "b_dec"):
        if not np.isfinite(getattr(sae, name)).all():
            raise InputError(f"{where}: {name} holds a value that is not finite; get it again")
    if sae.threshold is not None and np.isnan(sae.threshold).any():
        raise InputError(f"{where}: threshold holds a value that is no number; get it again")
    if sae.k is not None and not (isinstance(sae.k, int) and sae.k >= 1):
        raise InputError(f"{where}: k is {sae.k!r}; an SAE keeps one feature a row or more")
