"""From an embedding back to expression.

Every decoder answers in one unit: the mean count of each gene in a cell of which ``library``
counts fell on the genes of the bundle. A row of decoded expression therefore sums to ``library``,
and so does a row of measured expression (:func:`expression`), whatever share of a cell's counts
the genes of the bundle hold. Proportions refer to these genes, never to the whole transcriptome.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from featurelens.embeddings.decoders.kinds import (
    LinearSimplexDecoder,
    MLPSoftmaxDecoder,
    NoDecoder,
    PCADecoder,
    SurrogateDecoder,
)
from featurelens.embeddings.decoders.scvi import ScviDecoder
from featurelens.io import InputError, atomic_path, read_json, write_json


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
    """Write ``decoder.json`` and ``decoder.safetensors``, without arrays if the type is none."""
    folder = Path(folder)
    tensors = {name: np.ascontiguousarray(value) for name, value in decoder.tensors().items()}
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
