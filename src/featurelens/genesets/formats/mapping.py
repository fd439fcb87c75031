"""Sets of one's own in YAML or JSON: names with lists of genes; and MSigDB's JSON files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from featurelens.genesets.read import SetsFile
from featurelens.genesets.sets import GeneSets, Row
from featurelens.genesets.text import read_lines
from featurelens.io import InputError
from featurelens.json_files import parse_json

ORDER = 1
SUFFIXES = (".yaml", ".yml", ".json")

_FORM = "a mapping of set names to lists of genes"
_MSIGDB = "geneSymbols"
"""Key by which an entry of MSigDB's JSON files is known; its other keys say where it is from."""


def is_here(path: Path, lines: Sequence[str]) -> bool:  # noqa: ARG001
    """Whether a file is YAML or JSON, by its suffix."""
    return path.suffix.lower() in SUFFIXES


def read(path: Path) -> SetsFile:
    """Read sets from YAML or JSON.

    The file maps the name of a set to a list of genes, to ``description`` and ``genes``, or (as
    MSigDB does) to ``geneSymbols`` among other keys. Every name is text: YAML's readings of ``NO``
    as false and of ``1E5`` as a number do not apply.

    Raises
    ------
    InputError
        If the file is missing, is of another form, names a set twice, or a set holds no gene.
    """
    content = _load(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds {_sort(content)}; expected {_FORM}")
    if not content:
        raise InputError(f"{path}: holds no gene set; expected {_FORM}")
    rows = [_custom_set(path, str(name), entry) for name, entry in content.items()]
    return SetsFile(GeneSets.of(rows))


def _custom_set(path: Path, name: str, entry: Any) -> Row:
    about, genes = "", entry
    if isinstance(entry, Mapping) and _MSIGDB in entry:
        about = f"{entry.get('collection', '')}|{entry.get('systematicName', '')}".strip("|")
        genes = entry[_MSIGDB]
    elif isinstance(entry, Mapping):
        unknown = sorted(set(entry) - {"description", "genes"})
        if unknown:
            raise InputError(
                f"{path}: set {name!r} has the key {unknown[0]!r}; known: description, genes"
            )
        about, genes = entry.get("description", ""), entry.get("genes")
    if not isinstance(about, str):
        raise InputError(f"{path}: the description of set {name!r} is {_sort(about)}, not text")
    if not isinstance(genes, Sequence) or isinstance(genes, str):
        raise InputError(f"{path}: set {name!r} holds {_sort(genes)}, not a list of genes")
    for position, gene in enumerate(genes, start=1):
        if not isinstance(gene, str) or not gene.strip():
            raise InputError(
                f"{path}: entry {position} of set {name!r} is {_sort(gene)}, not the name of a gene"
            )
    if not genes or not name.strip():
        raise InputError(f"{path}: set {name!r} has no name or no gene; fill it or remove it")
    return name, about.strip(), tuple(dict.fromkeys(gene.strip() for gene in genes))


def _load(path: Path) -> Any:
    text = "\n".join(read_lines(path))
    if text.lstrip().startswith("<"):
        raise InputError(f"{path}: is a web page, not YAML or JSON; download the file itself")
    if path.suffix.lower() == ".json":
        remedy = f"expected {_FORM}"
        return parse_json(text, path, remedy=remedy, pairs=lambda pairs: _unique(path, pairs))
    try:
        return yaml.load(text, Loader=_loader(path))
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply; expected {_FORM}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: is not valid ({' '.join(str(error).split())})") from error


def _loader(path: Path) -> type[yaml.BaseLoader]:
    """YAML in which every scalar is text, and a key that repeats is refused."""

    class Loader(yaml.BaseLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            _unique(path, [(str(key.value), None) for key, _ in node.value])
            return super().construct_mapping(node, deep)

    return Loader


def _unique(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known: set[str] = set()
    for name, _ in pairs:
        if name in known:
            raise InputError(f"{path}: {name!r} is named twice; rename one")
        known.add(name)
    return dict(pairs)


def _sort(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or value == "":
        return "nothing"
    return f"{type(value).__name__} {value!r}"
