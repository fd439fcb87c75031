"""Gene sets in files that people write: GMT, YAML and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from featurelens.genesets.sets import GeneSets, Row
from featurelens.genesets.text import GMT, read_lines, require_kind
from featurelens.io import InputError, atomic_path

CUSTOM_SUFFIXES = (".yaml", ".yml", ".json")

_FORM = "a mapping of set names to lists of genes"


def read_sets(path: str | Path) -> GeneSets:
    """Read a file of gene sets: YAML or JSON by its suffix, GMT (plain or gzip) otherwise.

    Raises
    ------
    InputError
        As :func:`read_gmt` and :func:`read_custom`.
    """
    path = Path(path)
    return read_custom(path) if path.suffix in CUSTOM_SUFFIXES else read_gmt(path)


def read_gmt(path: str | Path) -> GeneSets:
    """Read a GMT file (plain or gzip): name, description and genes, separated by tabs.

    Genes repeated within a set count once. Blank lines are skipped.

    Raises
    ------
    InputError
        If the file is missing, is of another kind, holds no set, names a set twice, or has a line
        with fewer than three columns; the message gives the line.
    """
    path = Path(path)
    lines = [(i, line) for i, line in enumerate(read_lines(path), start=1) if line.strip()]
    if not lines:
        raise InputError(f"{path}: holds no gene set; expected name, description, genes by tabs")
    require_kind(path, GMT, advice="download the file itself, or correct the path in the config")
    names: dict[str, int] = {}
    rows = []
    for number, line in lines:
        name, description, genes = _parse(path, number, line)
        if name in names:
            raise InputError(
                f"{path}: set {name!r} stands on lines {names[name]} and {number}; rename one"
            )
        names[name] = number
        rows.append((name, description, genes))
    return GeneSets.of(rows)


def read_custom(path: str | Path) -> GeneSets:
    """Read sets of one's own from YAML or JSON.

    The file maps the name of a set to a list of genes, or to ``description`` and ``genes``. Every
    name is text: YAML's readings of ``NO`` as false and of ``1E5`` as a number do not apply.

    Raises
    ------
    InputError
        If the file is missing, is of another form, names a set twice, or a set holds no gene.
    """
    path = Path(path)
    content = _load(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds {_sort(content)}; expected {_FORM}")
    if not content:
        raise InputError(f"{path}: holds no gene set; expected {_FORM}")
    return GeneSets.of(_custom_set(path, str(name), entry) for name, entry in content.items())


def write_gmt(sets: GeneSets, path: str | Path) -> None:
    """Write gene sets as a plain GMT file."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            "".join("\t".join((name, about, *genes)) + "\n" for name, about, genes in sets.rows),
            encoding="utf-8",
        )


def _parse(path: Path, number: int, line: str) -> Row:
    fields = [field.strip() for field in line.split("\t")]
    genes = tuple(dict.fromkeys(gene for gene in fields[2:] if gene))
    if not genes or not fields[0]:
        raise InputError(
            f"{path}: line {number} has no name or no gene; expected name, description and genes "
            "separated by tabs"
        )
    return fields[0], fields[1], genes


def _custom_set(path: Path, name: str, entry: Any) -> Row:
    about, genes = "", entry
    if isinstance(entry, Mapping):
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
    if any(character in part for part in (name, about, *genes) for character in "\t\n"):
        raise InputError(f"{path}: set {name!r} has a tab or a line break in a name; remove it")
    return name, about.strip(), tuple(dict.fromkeys(gene.strip() for gene in genes))


def _load(path: Path) -> Any:
    text = "\n".join(read_lines(path))
    if text.lstrip().startswith("<"):
        raise InputError(f"{path}: is a web page, not YAML or JSON; download the file itself")
    try:
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=lambda pairs: _unique(path, pairs))
        return yaml.load(text, Loader=_loader(path))
    except (yaml.YAMLError, json.JSONDecodeError) as error:
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
