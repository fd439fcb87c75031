"""Gene sets to and from the GMT files that stages hand on."""

from __future__ import annotations

from pathlib import Path

from featurelens.genesets.formats import gmt
from featurelens.genesets.sets import GeneSets
from featurelens.io import atomic_path


def read_gmt(path: str | Path) -> GeneSets:
    """Read a GMT file (plain or gzip) to the letter: name, description, genes.

    Files of users are read by :func:`featurelens.genesets.read.read_sets`.

    Raises
    ------
    InputError
        As :func:`featurelens.genesets.formats.gmt.read`.
    """
    return gmt.read(Path(path), is_ours=True).sets


def write_gmt(sets: GeneSets, path: str | Path) -> None:
    """Write gene sets as a plain GMT file."""
    with atomic_path(path) as temporary:
        temporary.write_text(
            "".join("\t".join((name, about, *genes)) + "\n" for name, about, genes in sets.rows),
            encoding="utf-8",
        )
