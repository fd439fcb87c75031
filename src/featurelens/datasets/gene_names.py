"""Names of genes that carry more than the symbol, or lost a part of it, in files that people have.

Cell Ranger on two genomes writes ``GRCh38_CD3D`` and ``mm10___Cd3d``, pipelines join symbol and id
(``CD3D|ENSG00000167286``, ``ENSG00000167286_CD3D``, in files of CELLxGENE for symbols that repeat),
and R's ``make.names`` turns ``HLA-DRA`` into ``HLA.DRA``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

ENSEMBL = re.compile(r"(ENS[A-Z]*G\d{11})(?:\.\d+)?", re.IGNORECASE)
"""An Ensembl gene id of any species, with or without its version."""
_ID = r"(?P<id>ENS[A-Z]*G\d{11}(?:\.\d+)?)"
_GENOME = re.compile(r"(?:GRCh3[78]|GRCm3[89]|hg19|hg38|mm10|mm39)[_-]+(?P<symbol>.+)")
_ID_LAST = re.compile(rf"(?P<symbol>.+?)[|_:;, ]{_ID}")
_ID_FIRST = re.compile(rf"{_ID}[|_:;, ](?!PAR_Y$)(?P<symbol>.+)")

_OF_R = re.compile(r"(?:HLA|MT|mt|H2)\.[A-Z]\w*")
"""Families whose every name has a dash."""
_WITH_VERSION = re.compile(r"[A-Z]{1,4}\d{5,8}\.\d+|ENS[A-Z]*G\d{11}\.\d+")
"""Accessions, whose dot is their own."""
_CLONE = re.compile(r"(?P<library>RP\d+|CT[A-D]|XX\w*|KB|LL\w*|GS1)\.(?P<name>.+)\.(?P<number>\d+)")


def without_version(name: str) -> str | None:
    """Ensembl gene id without the version behind its dot; None if it is no such id.

    Examples
    --------
    >>> without_version("ENSG00000139618.17"), without_version("BRCA2")
    ('ENSG00000139618', None)
    """
    match = ENSEMBL.fullmatch(name)
    return match[1] if match else None


def are_ensembl(names: Sequence[str]) -> bool:
    """Whether most names are Ensembl gene ids."""
    return sum(without_version(str(name)) is not None for name in names) > len(names) / 2


def parts(name: str) -> tuple[str, str]:
    """Symbol and Ensembl id in a name; an id is "" where there is none.

    Examples
    --------
    >>> parts("GRCh38_CD3D"), parts("CD3D|ENSG00000167286.15")
    (('CD3D', ''), ('CD3D', 'ENSG00000167286.15'))
    """
    genome = _GENOME.fullmatch(name)
    name = genome["symbol"] if genome else name
    joined = _ID_LAST.fullmatch(name) or _ID_FIRST.fullmatch(name)
    return (joined["symbol"], joined["id"]) if joined else (name, "")


def undotted(name: str) -> str:
    """The symbol that R's ``make.names`` made a name of, as far as its form tells.

    Examples
    --------
    >>> undotted("HLA.DRA"), undotted("RP11.34P13.7"), undotted("AC079767.4")
    ('HLA-DRA', 'RP11-34P13.7', 'AC079767.4')
    """
    if _WITH_VERSION.fullmatch(name):
        return name
    clone = _CLONE.fullmatch(name)
    if clone:
        return f"{clone['library']}-{clone['name'].replace('.', '-')}.{clone['number']}"
    return name.replace(".", "-")


def trimmed(names: Sequence[str]) -> list[str]:
    """Symbols alone; dots become dashes only where :func:`are_of_r` says so.

    Examples
    --------
    >>> trimmed(["ENSG00000167286_CD3D", "CD19"]), trimmed(["MT.ND1", "CD19"])
    (['CD3D', 'CD19'], ['MT-ND1', 'CD19'])
    """
    symbols = [parts(name)[0] for name in names]
    return [undotted(name) for name in symbols] if are_of_r(symbols) else symbols


def are_of_r(names: Sequence[str]) -> bool:
    """Whether R wrote the names: no dash in any, and a dot where a symbol always has a dash."""
    return not any("-" in name for name in names) and any(map(_OF_R.fullmatch, names))


def describe(names: Sequence[str]) -> str | None:
    """One line on names that are more or less than symbols, and what to do; None of plain ones."""
    found = _changed(names, lambda name: parts(name)[0])
    if not found and are_of_r(names):
        found = _changed(names, undotted)
    if not found:
        return None
    written, read = next((pair for pair in found if _OF_R.fullmatch(pair[0])), found[0])
    return (
        f"{len(found)} of {len(names)} gene names are written like {written!r}; "
        f"trim_names: true reads them like {read!r}"
    )


def _changed(names: Sequence[str], read: Callable[[str], str]) -> list[tuple[str, str]]:
    return [(name, read(name)) for name in names if read(name) != name]
