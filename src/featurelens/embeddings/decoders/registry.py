"""Decoders found by listing, written and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from featurelens.embeddings.decoders.decoder import Decoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.io import InputError, atomic_path, write_json
from featurelens.json_files import read_object
from featurelens.plugins import load, names

KINDS = "featurelens.embeddings.decoders.kinds"
AGAIN = "make the bundle again"


def kinds() -> tuple[str, ...]:
    """Types of all decoders, each in its place."""
    return tuple(sorted(names(KINDS), key=lambda kind: decoder_class(kind).place))


def decoder_class(kind: str) -> type[Decoder]:
    """Class of the decoders of a type.

    Raises
    ------
    LookupError
        If there is none; the message lists those there are.
    """
    found: type[Decoder] = load(KINDS, kind).DECODER
    return found


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
    kind = read_object(folder / "decoder.json", remedy=AGAIN).get("type")
    if kind not in names(KINDS):
        known = ", ".join(kinds())
        raise InputError(f"{folder}/decoder.json: type {kind!r} is not one of {known}")
    path, decoder = folder / "decoder.safetensors", decoder_class(kind)
    try:
        made = decoder.from_tensors({} if decoder is NoDecoder else load_file(path))
        _require_whole(made)
    except (OSError, SafetensorError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); {AGAIN}") from error
    return made


def _require_whole(decoder: Decoder) -> None:
    """Raise a ValueError, or what numpy raises, unless a decoder's arrays fit and are numbers."""
    infinite = [n for n, array in decoder.tensors().items() if not np.isfinite(array).all()]
    if infinite:
        raise ValueError(f"{infinite[0]} holds a value that is not finite")
    if decoder.shape is not None:
        d, n_genes = decoder.shape
        with np.errstate(all="ignore"):
            decoded = decoder.decode(np.zeros((1, d), np.float32))
        for what, found in (("a row", decoded[0]), ("dispersions", decoder.dispersion)):
            if found is not None and found.shape != (n_genes,):
                raise ValueError(f"{what} of shape {found.shape} for {n_genes} genes")
