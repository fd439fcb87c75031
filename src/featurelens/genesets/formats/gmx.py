"""GMX: a set a column, its name in row 1, its description in row 2, genes below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from featurelens.genesets.read import SetsFile
from featurelens.genesets.sets import GeneSets
from featurelens.genesets.text import read_lines
from featurelens.io import InputError

ORDER = 3


def is_here(path: Path, lines: Sequence[str]) -> bool:  # noqa: ARG001
    """Whether a file is a GMX, by its suffix."""
    return path.suffix.lower() == ".gmx"


def read(path: Path) -> SetsFile:
    """Read the columns of a GMX file.

    Raises
    ------
    InputError
        If it has no line of genes, a column has no name or no gene, or a name repeats.
    """
    rows = [[field.strip() for field in line.split("\t")] for line in read_lines(path)]
    if len(rows) < 3:
        raise InputError(
            f"{path}: has {len(rows)} lines, but a GMX file holds a set in each column: name, "
            "description, genes"
        )
    made = []
    for place, (name, about, *genes) in enumerate(zip_longest(*rows, fillvalue=""), start=1):
        kept = tuple(dict.fromkeys(gene for gene in genes if gene))
        if not name or not kept:
            raise InputError(
                f"{path}: column {place} has no name or no gene; a GMX file has a set a column: "
                "name, description, genes"
            )
        made.append((name, about, kept))
    names = [name for name, _, _ in made]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InputError(f"{path}: set {repeated!r} has two columns; rename one")
    return SetsFile(GeneSets.of(made))
