"""The published Geneformer models and what tells them apart.

Sizes of V1 are those of the published ``config.json`` files. Layers and widths of V2 are those
that public loaders of these models state; heads and feed-forward widths are the ones with which
the parameters add up to the numbers in the models' names.
"""

from __future__ import annotations

from typing import NamedTuple


class Series(NamedTuple):
    """A vocabulary, and how a cell is written in it."""

    input_size: int
    """Most tokens of a cell, special ones included."""
    special: tuple[str, str] | None
    """Tokens before and after the genes."""
    vocabulary: int
    """Size of the published dictionary."""


class Size(NamedTuple):
    """Shape of a transformer, under the names of its ``config.json``."""

    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    intermediate_size: int


SERIES = {
    "V1": Series(2048, None, 25_426),
    "V2": Series(4096, ("<cls>", "<eos>"), 20_275),
}

SIZES = {
    "gf-6L-30M-i2048": Size(6, 256, 4, 512),
    "gf-12L-30M-i2048": Size(12, 512, 8, 1024),
    "gf-12L-95M-i4096": Size(12, 512, 8, 1024),
    "gf-20L-95M-i4096": Size(20, 896, 14, 1792),
    "V2-104M": Size(12, 768, 12, 3072),
    "V2-316M": Size(18, 1152, 18, 4608),
}
"""Variants that are one published model; V1 and V2 alone stand for any size.

Newer names count parameters: V1-10M is gf-6L-30M, and gf-12L-95M and gf-20L-95M have 38 and 151
million.
"""

LICENCE = "Apache-2.0"
"""Of the published weights and dictionaries."""
