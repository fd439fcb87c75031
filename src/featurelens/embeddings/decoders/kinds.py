"""The decoders: one class per way from an embedding to proportions of expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from featurelens.io import InputError

CHUNK_ROWS = 1024
"""Cells decoded at once: 55 MB of temporaries for 13,431 genes."""


class ByAmount:
    """Decodes rows to amounts of any scale, clips them at zero and scales rows to the library."""

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
class PCADecoder(ByAmount):
    """Linear map to log1p(counts per 10,000), undone by expm1.

    ``expm1(z W + mean)``, clipped at zero and scaled to the library.
    """

    type: ClassVar[str] = "pca"
    components: np.ndarray
    """W, (d, n_genes)."""
    mean: np.ndarray
    """Mean of log1p(counts per 10,000) over the cells that the components were fitted on."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``."""
        return self.components.shape[0], self.components.shape[1]

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        return np.expm1(z @ self.components + self.mean)


@dataclass(frozen=True, eq=False)
class LinearSimplexDecoder(ByAmount):
    """Linear map to proportions: ``z F^T``, clipped at zero, renormalised.

    Inside the simplex (z non-negative with sum 1, columns of F with sum 1) nothing is clipped and
    the renormalisation divides by one.
    """

    type: ClassVar[str] = "linear_simplex"
    factors: np.ndarray
    """F, (n_genes, d), non-negative, columns sum to 1."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``."""
        return self.factors.shape[1], self.factors.shape[0]

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        return z @ self.factors.T


@dataclass(frozen=True, eq=False)
class SurrogateDecoder(ByAmount):
    """Ridge regression fitted afterwards, for an embedding whose model decodes nothing.

    ``expm1(z W + intercept)``, clipped at zero, times one factor per gene that brings the mean
    decoded proportion of the cells it was fitted on to their measured one (the smearing of
    Duan 1983: the exponential of a mean logarithm is too small a mean). It says what the embedding
    knows linearly of expression, not what its model believes. Made by
    :func:`featurelens.embeddings.decoders.surrogate.fit_surrogate`.
    """

    type: ClassVar[str] = "surrogate"
    weights: np.ndarray
    """W, (d, n_genes)."""
    intercept: np.ndarray
    """(n_genes,)."""
    smearing: np.ndarray
    """Positive factors, (n_genes,)."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``."""
        return self.weights.shape[0], self.weights.shape[1]

    def notes(self) -> dict[str, Any]:
        """That this is no part of the model."""
        return {"surrogate": True, "made_by": "ridge regression on the embedding, not the model"}

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:  # noqa: ARG002
        return np.expm1(z @ self.weights + self.intercept) * self.smearing


@dataclass(frozen=True, eq=False)
class MLPSoftmaxDecoder(ByAmount):
    """Fully connected layers with ReLU between them, then softmax over genes: proportions.

    The decoder of multiDGD. Input is the embedding followed by the covariate code. Counts are
    negative binomial with mean m = proportion x library and variance m + m^2 / r, so a generalised
    linear model that writes the variance as m + alpha m^2 (statsmodels) needs alpha = 1 / r.
    The paper's code passes r itself as alpha (``supp_19_sc.py``), which turns the
    dispersion upside down.
    """

    type: ClassVar[str] = "mlp_softmax"
    weights: tuple[np.ndarray, ...]
    """Of each layer, (n_out, n_in)."""
    biases: tuple[np.ndarray, ...]
    """Of each layer, (n_out,)."""
    r: np.ndarray
    """(n_genes,), positive."""
    mean_covariate: np.ndarray
    """Mean covariate code of the cells the model was trained on, (c,); c = 0 without covariates."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(d, n_genes)``; the covariate code is not part of d."""
        return self.weights[0].shape[1] - len(self.mean_covariate), len(self.biases[-1])

    @property
    def dispersion(self) -> np.ndarray:
        """r, (n_genes,)."""
        return self.r

    def tensors(self) -> dict[str, np.ndarray]:
        """Arrays named ``layers.{i}.weight`` and ``layers.{i}.bias``, and the other two."""
        others = {"r": self.r, "mean_covariate": self.mean_covariate}
        return named_layers(self.weights, self.biases) | others

    def notes(self) -> dict[str, Any]:
        """Covariates, activation, and the meaning of the dispersion."""
        return {
            "n_covariates": len(self.mean_covariate),
            "activation": "relu",
            "dispersion": "negative binomial r, variance m + m^2 / r",
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> Self:
        """The decoder that :meth:`tensors` came from."""
        weights, biases = layers_named(tensors)
        return cls(
            weights=weights,
            biases=biases,
            r=tensors["r"],
            mean_covariate=tensors["mean_covariate"],
        )

    def _amounts(self, z: np.ndarray, covariate: np.ndarray | None) -> np.ndarray:
        code = self.mean_covariate if covariate is None else np.asarray(covariate)
        n_covariates = len(self.mean_covariate)
        if n_covariates and code.shape[-1] != n_covariates:
            raise ValueError(f"covariate has {code.shape[-1]} columns, not {n_covariates}")
        code = np.broadcast_to(code[..., :n_covariates], (len(z), n_covariates))
        hidden = np.concatenate([z, code], axis=1, dtype=np.float32, casting="same_kind")
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight.T + bias, 0)
        return softmax(hidden @ self.weights[-1].T + self.biases[-1])


@dataclass(frozen=True, eq=False)
class NoDecoder:
    """For embeddings that cannot be decoded; features and measured expression still work."""

    type: ClassVar[str] = "none"

    @property
    def shape(self) -> None:
        """Nothing to decode with."""
        return None

    @property
    def dispersion(self) -> None:
        """Nothing is decoded."""
        return None

    def decode(
        self,
        z: np.ndarray,  # noqa: ARG002
        *,
        library: float | np.ndarray = 1e4,  # noqa: ARG002
        covariate: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        """Raise :class:`InputError`."""
        raise InputError("this embedding has no decoder; use expression 'measured'")

    def share_clipped(self, z: np.ndarray) -> float:  # noqa: ARG002
        """NaN: nothing is decoded."""
        return float("nan")

    def tensors(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def notes(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray]) -> Self:  # noqa: ARG003
        """The only instance there is to make."""
        return cls()


Arrays = tuple[np.ndarray, ...]


def named_layers(weights: Arrays, biases: Arrays) -> dict[str, np.ndarray]:
    """Layers of a network as arrays named ``layers.{i}.weight`` and ``layers.{i}.bias``."""
    named: dict[str, np.ndarray] = {}
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        named |= {f"layers.{i}.weight": weight, f"layers.{i}.bias": bias}
    return named


def layers_named(tensors: dict[str, np.ndarray]) -> tuple[Arrays, Arrays]:
    """Weights and biases that :func:`named_layers` gave names to."""
    numbers = range(sum(name.startswith("layers.") for name in tensors) // 2)
    weights = tuple(tensors[f"layers.{i}.weight"] for i in numbers)
    return weights, tuple(tensors[f"layers.{i}.bias"] for i in numbers)


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
