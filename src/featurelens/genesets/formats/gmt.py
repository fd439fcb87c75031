"""GMT: name, description and genes by tabs; also as Enrichr, g:Profiler and hands write it.

Where column 2 is a gene like the others in every set, there is no description. Weights behind a
comma (Enrichr) are cut. A name that ends in a comma and a gene (some exports of Enrichr) is split.
Where all names are ``name%SOURCE%id`` (Bader lab, WikiPathways), or ids whose names stand in column
2 (g:Profiler), sets are called by their names, and source and id become the description.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from featurelens.genesets.identifiers import kind_of_names
from featurelens.genesets.read import SetsFile
from featurelens.genesets.sets import GeneSets
from featurelens.genesets.text import GMT, read_lines, require_kind
from featurelens.io import InputError

ORDER = 9
"""Last: what is no other form is taken for a GMT, or refused as none."""

_WEIGHT = re.compile(r"(?P<gene>.+),\s*-?\d+(\.\d*)?([eE][+-]?\d+)?")
_GLUED = re.compile(r"(?P<name>.+\S),(?P<gene>[^,\s]+)")
_NO_GENE = re.compile(r"\s|\||://|:|^na$", re.IGNORECASE)
_IN_PARTS = re.compile(r"(?P<name>[^%]+)%(?P<source>[^%]+?)(_\d{8})?%(?P<id>[^%]+)(%[^%]*)?")
_ID = re.compile(r"(?P<source>[A-Z][A-Za-z]*):\S+")
_CAPITALISED = re.compile(r"[A-Z][a-z]+")


def is_here(path: Path, lines: Sequence[str]) -> bool:  # noqa: ARG001
    """Whether nobody else takes the file."""
    return True


def read(path: Path, *, is_ours: bool = False) -> SetsFile:
    """Read a GMT file (plain or gzip). Genes repeated within a set count once.

    Parameters
    ----------
    is_ours
        Whether featurelens wrote it: then column 2 is a description whatever it looks like, and
        nothing is cut.

    Raises
    ------
    InputError
        If the file is missing, is of another kind, holds no set, names a set twice, or has a line
        without a name or a gene; the message gives the line.
    """
    numbered = [(i, line) for i, line in enumerate(read_lines(path), start=1) if line.strip()]
    lines = [(i, line) for i, line in numbered if is_ours or not line.startswith("#")]
    if not lines:
        raise InputError(f"{path}: holds no gene set; expected name, description, genes by tabs")
    require_kind(path, GMT, advice="download the file itself, or correct the path in the config")
    rows = {number: _fields(path, number, line, is_ours=is_ours) for number, line in lines}
    if is_ours:
        return SetsFile(_sets(path, rows, weight=None)[0])
    counts = {"n_remarks": len(numbered) - len(lines)}
    if _first_genes_are_glued(list(rows.values())):
        rows = {number: _unglued(fields) for number, fields in rows.items()}
        counts["n_first_genes_split_off"] = len(rows)
    elif _has_no_descriptions(list(rows.values())):
        rows = {number: [name, "", *genes] for number, (name, *genes) in rows.items()}
        counts["n_without_description"] = len(rows)
    rows = _called_by_names(rows)
    sets, n_weights = _sets(path, rows, weight=_WEIGHT)
    counts["n_weights_cut"] = n_weights
    return SetsFile(sets, {name: count for name, count in counts.items() if count})


def _fields(path: Path, number: int, line: str, *, is_ours: bool) -> list[str]:
    fields = line.split("\t")
    if not is_ours:
        fields = [field.strip().strip('"').strip() for field in fields]
    if not fields[0] or not any(fields[1:]):
        raise InputError(_empty(path, number))
    return fields


def _empty(path: Path, number: int) -> str:
    return (
        f"{path}: line {number} has no name or no gene; expected name, description and genes "
        "separated by tabs"
    )


def _sets(
    path: Path, rows: dict[int, list[str]], *, weight: re.Pattern[str] | None
) -> tuple[GeneSets, int]:
    first: dict[str, int] = {}
    made, n_weights = [], 0
    for number, (name, *rest) in rows.items():
        if name in first:
            raise InputError(
                f"{path}: set {name!r} stands on lines {first[name]} and {number}; rename one"
            )
        first[name] = number
        weighed = [weight.fullmatch(gene) if weight else None for gene in rest[1:]]
        n_weights += sum(match is not None for match in weighed)
        pairs = zip(rest[1:], weighed, strict=True)
        genes = [gene if match is None else match["gene"].strip() for gene, match in pairs]
        genes = list(dict.fromkeys(gene for gene in genes if gene))
        if not genes:
            raise InputError(_empty(path, number))
        made.append((name, rest[0], tuple(genes)))
    return GeneSets.of(made), n_weights


def _are_names(texts: Sequence[str]) -> bool:
    """Whether texts are words that differ from set to set."""
    words = [text for text in texts if " " in text or (text.isalpha() and text.lower() != "na")]
    return len(words) == len(texts) and len(set(words)) > len(words) / 2


def _called_by_names(rows: dict[int, list[str]]) -> dict[int, list[str]]:
    """Rows of sets that are named for a database and its id, called as a reader calls them."""
    parts = [_IN_PARTS.fullmatch(fields[0]) for fields in rows.values()]
    ids = [_ID.fullmatch(fields[0]) for fields in rows.values()]
    if all(parts):
        told = [(m["name"].strip(), m["source"], m["id"]) for m in parts if m]
    elif all(ids) and _are_names([fields[1] for fields in rows.values()]):
        names = (fields[1] for fields in rows.values())
        told = [(name, m["source"], m[0]) for name, m in zip(names, ids, strict=True) if m]
    else:
        return rows
    often = Counter(name for name, _, _ in told)
    return {
        number: [name if often[name] == 1 else f"{name} ({id_})", f"{source}|{id_}", *fields[2:]]
        for (number, fields), (name, source, id_) in zip(rows.items(), told, strict=True)
    }


def _has_no_descriptions(rows: Sequence[Sequence[str]]) -> bool:
    """Whether column 2 holds genes: other ones in each set, of the kind of all the others."""
    second = [fields[1] for fields in rows]
    if any(not text or _NO_GENE.search(text) for text in second) or len(second) < 2:
        return False
    genes = {gene for fields in rows for gene in fields[2:] if gene}
    if not genes or len(set(second)) < len(second) / 2:
        return False
    if set(second) <= genes:
        return True
    if sum(map(bool, map(_CAPITALISED.fullmatch, second))) > len(second) / 2:
        return False  # words such as Lymphoid look like genes of the mouse
    return kind_of_names(second) == kind_of_names(genes)


def _first_genes_are_glued(rows: Sequence[Sequence[str]]) -> bool:
    """Whether every name ends in a comma and a gene, and column 2 holds genes as well."""
    matches = [_GLUED.fullmatch(fields[0]) for fields in rows]
    if not all(matches) or len(rows) < 2:
        return False
    firsts = [match["gene"] for match in matches if match]
    genes = {gene for fields in rows for gene in fields[2:] if gene}
    return kind_of_names(firsts) == kind_of_names(genes) and _has_no_descriptions(rows)


def _unglued(fields: Sequence[str]) -> list[str]:
    match = _GLUED.fullmatch(fields[0])
    assert match is not None  # every name was looked at before
    return [match["name"], "", match["gene"], *fields[1:]]
