"""From an embedding back to expression.

Every decoder answers in one unit: the mean count of each gene in a cell of which ``library``
counts fell on the genes of the bundle. A row of decoded expression therefore sums to ``library``,
and so does a row of measured expression (:func:`expression`), whatever share of a cell's counts
the genes of the bundle hold. Proportions refer to these genes, never to the whole transcriptome.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from featurelens.io import InputError, atomic_path, read_json, write_json

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


class Decoder(Protocol):
    """What everything downstream knows of a decoder."""

    type: ClassVar[str]

    @property
    def shape(self) -> tuple[int, int] | None:
        """``(d, n_genes)``, or None where there is nothing to decode with."""

    def decode(self, z: np.ndarray, *, library: float | np.ndarray = 1e4) -> np.ndarray:
        """Mean expression (n, n_genes) float32; ``library`` is one number or one per row."""

    def share_clipped(self, z: np.ndarray) -> float:
        """Share of the absolute decoded amount that lay below zero and was cut off."""


@dataclass(frozen=True, eq=False)
class PCADecoder:
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

    def decode(self, z: np.ndarray, *, library: float | np.ndarray = 1e4) -> np.ndarray:
        """Mean expression (n, n_genes) float32; rows sum to ``library``."""
        return _scale(self._amounts(z), library)

    def share_clipped(self, z: np.ndarray) -> float:
        """Share of the absolute decoded amount that lay below zero."""
        return _share_below_zero(self._amounts(z))

    def _amounts(self, z: np.ndarray) -> np.ndarray:
        return np.expm1(z @ self.components + self.mean)


@dataclass(frozen=True, eq=False)
class LinearSimplexDecoder:
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

    def decode(self, z: np.ndarray, *, library: float | np.ndarray = 1e4) -> np.ndarray:
        """Mean expression (n, n_genes) float32; rows sum to ``library``."""
        return _scale(z @ self.factors.T, library)

    def share_clipped(self, z: np.ndarray) -> float:
        """Share of the absolute decoded amount that lay below zero."""
        return _share_below_zero(z @ self.factors.T)


@dataclass(frozen=True, eq=False)
class NoDecoder:
    """For embeddings that cannot be decoded; features and measured expression still work."""

    type: ClassVar[str] = "none"

    @property
    def shape(self) -> None:
        """Nothing to decode with."""
        return None

    def decode(self, z: np.ndarray, *, library: float | np.ndarray = 1e4) -> np.ndarray:  # noqa: ARG002
        """Raise :class:`InputError`."""
        raise InputError("this embedding has no decoder; use expression 'measured'")

    def share_clipped(self, z: np.ndarray) -> float:  # noqa: ARG002
        """NaN: nothing is decoded."""
        return float("nan")


DECODERS: dict[str, type[PCADecoder] | type[LinearSimplexDecoder] | type[NoDecoder]] = {
    decoder.type: decoder for decoder in (PCADecoder, LinearSimplexDecoder, NoDecoder)
}


def save_decoder(decoder: Decoder, folder: str | Path) -> None:
    """Write ``decoder.json`` and, unless the type is none, ``decoder.safetensors``."""
    folder = Path(folder)
    tensors = {name: np.ascontiguousarray(value) for name, value in vars(decoder).items()}
    if tensors:
        with atomic_path(folder / "decoder.safetensors") as temporary:
            temporary.write_bytes(save(tensors))
    shape = decoder.shape or (None, None)
    write_json(
        {
            "type": decoder.type,
            "d": shape[0],
            "n_genes": shape[1],
            "output": "mean counts; a row sums to the library, over the genes of the bundle",
        },
        folder / "decoder.json",
    )


def load_decoder(folder: str | Path) -> Decoder:
    """Read what :func:`save_decoder` wrote.

    Raises
    ------
    InputError
        If a file is missing or truncated, or names an unknown type.
    """
    folder = Path(folder)
    try:
        kind = read_json(folder / "decoder.json")["type"]
        decoder = DECODERS[kind]
    except FileNotFoundError:
        raise InputError(f"{folder}/decoder.json: no such file; make the bundle again") from None
    except KeyError as error:
        known = ", ".join(DECODERS)
        raise InputError(f"{folder}/decoder.json: type {error} is not one of {known}") from None
    if decoder is NoDecoder:
        return NoDecoder()
    path = folder / "decoder.safetensors"
    try:
        tensors = load_file(path)
        return decoder(*(tensors[field.name] for field in fields(decoder)))
    except (FileNotFoundError, SafetensorError, KeyError) as error:
        raise InputError(f"{path}: cannot be read ({error}); make the bundle again") from error


def expression(
    bundle: Bundle, *, library: float = 1e4, source: Literal["decoded", "measured"] = "decoded"
) -> np.ndarray:
    """Mean expression of the bundle's cells at a common library size.

    Parameters
    ----------
    bundle
        Cells with their embedding and decoder.
    library
        Counts that each row sums to.
    source
        ``decoded``: what the decoder makes of the embedding. ``measured``: the counts themselves,
        scaled to the library.

    Returns
    -------
    numpy.ndarray
        (n_cells, n_genes) float32, genes in the order of ``bundle.cells.var_names``.
    """
    if source == "decoded":
        return bundle.decoder.decode(bundle.cells.obsm["X_emb"], library=library)
    return _scale(bundle.cells.layers["counts"].toarray().astype(np.float64), library)


def _scale(amounts: np.ndarray, library: float | np.ndarray) -> np.ndarray:
    """Clip at zero and scale rows to the library; a row with nothing above zero becomes NaN."""
    amounts = np.clip(amounts, 0, None)  # (n, n_genes)
    total = amounts.sum(axis=1, keepdims=True, dtype=np.float64)
    total[total == 0] = np.nan
    return (amounts * (np.reshape(library, (-1, 1)) / total)).astype(np.float32)


def _share_below_zero(amounts: np.ndarray) -> float:
    total = float(np.abs(amounts).sum(dtype=np.float64))
    below = float(np.clip(-amounts, 0, None).sum(dtype=np.float64))
    return below / total if total else float("nan")
