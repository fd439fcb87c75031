"""Decoders found by listing, written and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from featurelens.embeddings.decoders.decoder import Decoder
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.io import InputError, atomic_path, read_json, write_json
from featurelens.plugins import load, names

KINDS = "featurelens.embeddings.decoders.kinds"


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
    try:
        kind = read_json(folder / "decoder.json")["type"]
        if kind not in names(KINDS):
            raise KeyError(kind)
    except FileNotFoundError:
        raise InputError(f"{folder}/decoder.json: no such file; make the bundle again") from None
    except KeyError as error:
        known = ", ".join(kinds())
        raise InputError(f"{folder}/decoder.json: type {error} is not one of {known}") from None
    path, decoder = folder / "decoder.safetensors", decoder_class(kind)
    try:
        return decoder.from_tensors({} if decoder is NoDecoder else load_file(path))
    except (FileNotFoundError, SafetensorError, KeyError) as error:
        raise InputError(f"{path}: cannot be read ({error}); make the bundle again") from error
