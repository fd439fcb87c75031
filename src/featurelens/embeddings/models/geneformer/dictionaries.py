"""The dictionaries of a Geneformer model: which genes it knows, and how they are scaled.

They come as JSON, gzipped or not, or as the pickles that Geneformer ships.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featurelens.embeddings.models.geneformer.pickles import read_plain_pickle
from featurelens.embeddings.models.geneformer.variants import SERIES
from featurelens.io import InputError
from featurelens.json_files import parse_json

POINTER = b"version https://git-lfs"
PADDING = "<pad>"


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What one series of models knows of genes."""

    tokens: Mapping[str, int]
    """Token of each Ensembl id, and of the special tokens."""
    medians: Mapping[str, float]
    """Median of the non-zero expression of each gene in the corpus of the training."""
    mapping: Mapping[str, str] | None
    """Ensembl id to the id under which counts are summed; None maps every id to itself."""

    @property
    def size(self) -> int:
        """Number of tokens, special ones included."""
        return len(self.tokens)

    @property
    def padding(self) -> int:
        """Token that fills up shorter cells."""
        return self.tokens[PADDING]

    def gene_of(self, ensembl: str) -> str | None:
        """Gene that counts of an Ensembl id belong to, or None if the model knows none.

        As Geneformer's tokenizer does it: ids are looked up in capitals, and what the mapping does
        not name or maps to a gene without a token is unknown.
        """
        name = ensembl.upper()
        gene = name if self.mapping is None else self.mapping.get(name)
        return gene if gene in self.medians and gene in self.tokens else None


def read_vocabulary(
    tokens: str | Path, medians: str | Path, mapping: str | Path | None, *, series: str
) -> Vocabulary:
    """Read the dictionaries of a series of models and check that they belong together.

    Raises
    ------
    InputError
        If a file is missing, damaged or another dictionary, or they are of different models.
    """
    vocabulary = Vocabulary(
        tokens=_checked(tokens, int, "tokens, which are whole numbers from 0 on", _is_token),
        medians=_checked(medians, float, "medians, which are positive numbers", _is_median),
        mapping=None if mapping is None else _checked(mapping, str, "Ensembl ids", _is_text),
    )
    _require_series(vocabulary, tokens, series)
    _require_tokens(vocabulary, tokens)
    special = {PADDING, "<mask>", *(SERIES[series].special or ())}
    lacking = [name for name in vocabulary.tokens if name not in vocabulary.medians]
    lacking = [name for name in lacking if name not in special]
    if lacking:
        raise InputError(
            f"{medians}: has no median for {lacking[0]!r}, which {tokens} has ({len(lacking)} such "
            "genes); give the two dictionaries of one model"
        )
    if vocabulary.mapping is not None and not any(
        gene in vocabulary.tokens for gene in vocabulary.mapping.values()
    ):
        raise InputError(
            f"{mapping}: maps to no gene of {tokens}; give the dictionaries of one model"
        )
    return vocabulary


def read_dictionary(path: str | Path) -> dict[str, Any]:
    """Read a dictionary from ``.json``, ``.json.gz``, ``.pkl`` or ``.pickle``.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another form, or no dictionary with text for keys.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path in the config")
    require_no_pointer(path)
    if path.name.endswith((".json", ".json.gz")):
        content = _read_json(path)
    elif path.suffix in (".pkl", ".pickle"):
        content = read_plain_pickle(path)
    else:
        raise InputError(f"{path}: ends in none of .json, .json.gz, .pkl; convert it to JSON")
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InputError(f"{path}: holds no dictionary with text for keys; give the right file")
    return content


def require_no_pointer(path: Path) -> None:
    """Raise :class:`InputError` if a file only says where Git LFS keeps the real one."""
    with path.open("rb") as file:
        if file.read(len(POINTER)) == POINTER:
            raise InputError(
                f"{path}: is a pointer of Git LFS and not the file itself; run git lfs pull in "
                "its repository, or download it"
            )


def _read_json(path: Path) -> Any:
    raw = path.read_bytes()
    try:
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); is it whole?") from None
    return parse_json(text, path, remedy="is it whole?")


def _checked(path: str | Path, kind: type, what: str, valid: Any) -> dict[str, Any]:
    content = read_dictionary(path)
    wrong = next((key for key, value in content.items() if not valid(value)), None)
    if wrong is not None:
        raise InputError(
            f"{path}: {wrong!r} has {content[wrong]!r}, but this dictionary is of {what}; "
            "are the paths in the config exchanged?"
        )
    return {key: kind(value) for key, value in content.items()}


def _is_token(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_median(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _require_series(vocabulary: Vocabulary, path: str | Path, series: str) -> None:
    wanted = SERIES[series].special
    there = [name for name in ("<cls>", "<eos>") if name in vocabulary.tokens]
    if wanted is None and there:
        raise InputError(
            f"{path}: has a token {there[0]}, which models of {series} lack; give the dictionary "
            "of this model, or its right variant"
        )
    for name in (PADDING, *(wanted or ())):
        if name not in vocabulary.tokens:
            raise InputError(
                f"{path}: has no token {name}, which models of {series} need; give the dictionary "
                "of this model, or its right variant"
            )


def _require_tokens(vocabulary: Vocabulary, path: str | Path) -> None:
    seen: dict[int, str] = {}
    for name, token in vocabulary.tokens.items():
        if token in seen:
            raise InputError(
                f"{path}: {seen[token]!r} and {name!r} have the same token {token}; it is damaged"
            )
        seen[token] = name
