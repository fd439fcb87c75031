"""GRP: one set a file, a gene a line; MSigDB puts the set's name first and a remark below it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from featurelens.genesets.read import SetsFile
from featurelens.genesets.sets import GeneSets
from featurelens.genesets.text import read_lines
from featurelens.io import InputError

ORDER = 2


def is_here(path: Path, lines: Sequence[str]) -> bool:  # noqa: ARG001
    """Whether a file is a GRP, by its suffix."""
    return path.suffix.lower() == ".grp"


def read(path: Path) -> SetsFile:
    """Read the one set of a GRP file, called by its first line or by the file.

    Raises
    ------
    InputError
        If it holds no gene, or a line holds several.
    """
    lines = [line.strip() for line in read_lines(path) if line.strip()]
    is_named = len(lines) > 1 and lines[1][0] in "#>" and lines[0][0] not in "#>"
    name = lines[0] if is_named else path.stem
    about = next((line.lstrip("#> ") for line in lines if line[0] in "#>"), "")
    genes = [line for line in lines[is_named:] if line[0] not in "#>"]
    wide = next((line for line in genes if "\t" in line), None)
    if wide is not None:
        raise InputError(f"{path}: a line holds several genes ({wide[:40]!r}); is it a GMT file?")
    if not genes:
        raise InputError(f"{path}: holds no gene; a GRP file has one a line")
    return SetsFile(GeneSets.of([(name, about, tuple(dict.fromkeys(genes)))]))
