"""What a decoder is: one class of a file in ``decoders/kinds``, found by the name of its type.

Every decoder answers in one unit: the mean count of each gene in a cell of which ``library``
counts fell on the genes of the bundle. A row of decoded expression therefore sums to ``library``,
and so does a row of measured expression (:func:`featurelens.embeddings.expression.expression`),
whatever share of a cell's counts the genes of the bundle hold. Proportions refer to these genes,
never to the whole transcriptome.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol, Self

import numpy as np

CHUNK_ROWS = 1024
"""Cells decoded at once: 55 MB of temporaries for 13,431 genes."""


class Decoder(Protocol):
    """What everything downstream knows of a decoder."""

    type: ClassVar[str]
    """Name of the file of its kind, and what ``decoder.json`` calls it."""
    place: ClassVar[int]
    """Its place where all are named."""

    @property
    def shape(self) -> tuple[int, int] | None:
        """``(d, n_genes)``, or None where there is nothing to decode with."""

    @property
    def dispersion(self) -> np.ndarray | None:
        """Of each gene, (n_genes,): counts have variance m + m^2 / r. None if unknown."""

    def decode(
        self,
        z: np.ndarray,
        *,
        library: float | np.ndarray = 1e4,
        covariate: np.ndarray | None = None,
    ) -> np.ndarray:
        """Mean expression (n, n_genes) float32.

        ``library`` is one number or one per row. ``covariate`` is a code per row (n, c) or one for
        all (c,); None takes the mean code of the cells that the model was trained on. Decoders of
        models without covariates ignore it.
        """

    def share_clipped(self, z: np.ndarray) -> float:
        """Share of the absolute decoded amount that lay below zero and was cut off."""

    def tensors(self) -> dict[str, np.ndarray]:
        """Everything that ``decoder.safetensors`` keeps."""

    def notes(self) -> dict[str, Any]:
        """What ``decoder.json`` says beside type and sizes."""

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> Self:
        """The decoder that :meth:`tensors` came from."""


class ByAmount:
    """Decodes rows to amounts of any scale, clips them at zero and scales rows to the library."""

    place: ClassVar[int] = 99

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``."""
        raise NotImplementedError

    @property
    def dispersion(self) -> np.ndarray | None:
        """None: the model has no dispersion."""
        return None

    def decode(
        self,
        z: np.ndarray,
        *,
        library: float | np.ndarray = 1e4,
        covariate: np.ndarray | None = None,
    ) -> np.ndarray:
        """Mean expression (n, n_genes) float32; rows sum to ``library``."""
        decoded = np.empty((len(z), self.shape[1]), dtype=np.float32)
        libraries = np.broadcast_to(np.reshape(library, (-1, 1)), (len(z), 1))
        for rows, codes in _in_chunks(len(z), covariate):
            decoded[rows] = scale_rows(self._amounts(z[rows], codes), libraries[rows])
        return decoded

    def share_clipped(self, z: np.ndarray) -> float:
        """Share of the absolute decoded amount that lay below zero."""
        total = below = 0.0
        for rows, codes in _in_chunks(len(z), None):
            amounts = self._amounts(z[rows], codes)
            total += float(np.abs(amounts).sum(dtype=np.float64))
            below += float(np.clip(-amounts, 0, None).sum(dtype=np.float64))
        return below / total if total else float("nan")

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays of the decoder, by their names."""
        return dict(vars(self))

    def notes(self) -> dict[str, Any]:
        """Nothing beside type and sizes."""
        return {}

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> Self:
        """The decoder that :meth:`tensors` came from."""
        return cls(**{field.name: tensors[field.name] for field in fields(cls)})  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class ByLayers(ByAmount):
    """A network, whose layers are kept as ``layers.{i}.weight`` and ``layers.{i}.bias``."""

    weights: tuple[np.ndarray, ...]
    """Of each layer, (n_out, n_in)."""
    biases: tuple[np.ndarray, ...]
    """Of each layer, (n_out,)."""

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays of the layers, and the others by their names."""
        named: dict[str, np.ndarray] = {}
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            named |= {f"layers.{i}.weight": weight, f"layers.{i}.bias": bias}
        return named | {name: getattr(self, name) for name in self._others()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> Self:
        """The decoder that :meth:`tensors` came from."""
        numbers = range(sum(name.startswith("layers.") for name in tensors) // 2)
        return cls(
            weights=tuple(tensors[f"layers.{i}.weight"] for i in numbers),
            biases=tuple(tensors[f"layers.{i}.bias"] for i in numbers),
            **{name: tensors[name] for name in cls._others()},
        )

    @classmethod
    def _others(cls) -> list[str]:
        return [field.name for field in fields(cls) if field.name not in ("weights", "biases")]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Proportions of each row, (n, n_genes)."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def scale_rows(amounts: np.ndarray, library: float | np.ndarray) -> np.ndarray:
    """Clip at zero and scale rows to the library; a row with nothing above zero becomes NaN."""
    amounts = np.clip(amounts, 0, None)  # (n, n_genes)
    total = amounts.sum(axis=1, keepdims=True, dtype=np.float64)
    total[total == 0] = np.nan
    return (amounts * (np.reshape(library, (-1, 1)) / total)).astype(np.float32)


def _in_chunks(n: int, covariate: np.ndarray | None) -> Iterator[tuple[slice, np.ndarray | None]]:
    """Slices of the rows, each with its covariate codes, so that temporaries stay small."""
    per_row = covariate is not None and np.ndim(covariate) == 2
    for start in range(0, n, CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        yield rows, covariate[rows] if per_row and covariate is not None else covariate
