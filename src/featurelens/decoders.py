"""From an embedding back to expression.

Every decoder answers in one unit: the mean count of each gene in a cell of which ``library``
counts fell on the genes of the bundle. A row of decoded expression therefore sums to ``library``,
and so does a row of measured expression (:func:`expression`), whatever share of a cell's counts
the genes of the bundle hold. Proportions refer to these genes, never to the whole transcriptome.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from featurelens.conventions import ExpressionSource
from featurelens.decoder_scvi import ScviDecoder
from featurelens.decoder_types import (
    LinearSimplexDecoder,
    MLPSoftmaxDecoder,
    NoDecoder,
    PCADecoder,
    SurrogateDecoder,
    scale_rows,
)
from featurelens.io import InputError, atomic_path, read_json, write_json

__all__ = [
    "DECODERS",
    "Decoder",
    "LinearSimplexDecoder",
    "MLPSoftmaxDecoder",
    "NoDecoder",
    "PCADecoder",
    "ScviDecoder",
    "SurrogateDecoder",
    "expression",
    "expression_used",
    "iter_expression",
    "load_decoder",
    "save_decoder",
]

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


class Decoder(Protocol):
    """What everything downstream knows of a decoder."""

    type: ClassVar[str]

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


DECODERS = {
    decoder.type: decoder
    for decoder in (
        *(PCADecoder, LinearSimplexDecoder),
        *(MLPSoftmaxDecoder, ScviDecoder, SurrogateDecoder, NoDecoder),
    )
}


def save_decoder(decoder: Decoder, folder: str | Path) -> None:
    """Write ``decoder.json`` and, unless the type is none, ``decoder.safetensors``."""
    folder = Path(folder)
    tensors = {name: np.ascontiguousarray(value) for name, value in decoder.tensors().items()}
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
            **decoder.notes(),
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
    path = folder / "decoder.safetensors"
    try:
        return decoder.from_tensors({} if decoder is NoDecoder else load_file(path))
    except (FileNotFoundError, SafetensorError, KeyError) as error:
        raise InputError(f"{path}: cannot be read ({error}); make the bundle again") from error


def expression_used(
    decoder: Decoder, source: ExpressionSource
) -> Literal["decoded", "surrogate", "measured"]:
    """What a source of expression means for a decoder.

    ``available`` is decoded where the model brought the decoder, and measured where there is none
    or it was fitted afterwards (``surrogate``): the paper tested what multiDGD decodes and, for
    Geneformer, the counts (section 5.3). ``decoded`` is surrogate where such a decoder decodes.
    """
    own = decoder.type not in (NoDecoder.type, SurrogateDecoder.type)
    if source == "measured" or (source == "available" and not own):
        return "measured"
    return "surrogate" if decoder.type == SurrogateDecoder.type else "decoded"


def expression(
    bundle: Bundle, *, library: float = 1e4, source: ExpressionSource = "decoded"
) -> np.ndarray:
    """Mean expression of the bundle's cells at one library size and one covariate code.

    Where the decoder knows covariates, all cells are decoded with their mean code, so that cells
    of different batches differ by their embedding alone. Steering, which compares a cell with
    itself, passes each cell's own code to :meth:`Decoder.decode`.

    Parameters
    ----------
    bundle
        Cells with their embedding and decoder.
    library
        Counts that each row sums to.
    source
        ``decoded``: what the decoder makes of the embedding. ``measured``: the counts themselves,
        scaled to the library. ``available``: see :func:`expression_used`.

    Returns
    -------
    numpy.ndarray
        (n_cells, n_genes) float32, genes in the order of ``bundle.cells.var_names``.
    """
    shape = (bundle.cells.n_obs, bundle.cells.n_vars)
    values = np.empty(shape, dtype=np.float32)
    for rows, part in iter_expression(bundle, library=library, source=source):
        values[rows] = part
    return values


def iter_expression(
    bundle: Bundle,
    *,
    library: float = 1e4,
    source: ExpressionSource = "decoded",
    n_rows: int = 4096,
) -> Iterator[tuple[slice, np.ndarray]]:
    """:func:`expression` in parts, for cells and genes too many to hold at once.

    Yields
    ------
    tuple
        Slice of the cells, and their expression (at most n_rows, n_genes) float32.
    """
    codes = bundle.covariate
    common = None if codes is None else codes.mean(axis=0, dtype=np.float64)
    measured = expression_used(bundle.decoder, source) == "measured"
    for start in range(0, bundle.cells.n_obs, n_rows):
        rows = slice(start, start + n_rows)
        if measured:
            counts = bundle.cells.layers["counts"][rows].toarray()
            yield rows, scale_rows(counts.astype(np.float64), library)
        else:
            z = bundle.embedding[rows]
            yield rows, bundle.decoder.decode(z, library=library, covariate=common)
