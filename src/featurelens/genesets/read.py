"""Files of gene sets, read in whichever form they have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import ModuleType

from featurelens import plugins
from featurelens.genesets.sets import GeneSets
from featurelens.genesets.text import read_lines
from featurelens.io import InputError

FORMATS = "featurelens.genesets.formats"
"""Where the forms are, a module each."""
FIRST_LINES = 50
"""Lines by which a form is told."""
_NO_FIELD = re.compile("[\t\n\r\ud800-\udfff]")
"""What no field of a GMT file holds: marks of fields and lines, and what UTF-8 cannot write."""


@dataclass(frozen=True)
class SetsFile:
    """What a file holds."""

    sets: GeneSets
    counts: Mapping[str, int] = field(default_factory=dict)
    """What was cut or left out, by name: nothing is lost without being counted."""


def read_sets(path: str | Path) -> GeneSets:
    """Gene sets of a file, as :func:`read_counted` reads them."""
    return read_counted(path).sets


def read_counted(path: str | Path) -> SetsFile:
    """Read a file of gene sets and count what was cut from it.

    Raises
    ------
    InputError
        If the file is missing, empty, or of none of the forms.
    """
    path = Path(path)
    found: SetsFile = _form(path).read(path)
    for name, about, genes in found.sets.rows:
        wrong = next((part for part in (name, about, *genes) if _NO_FIELD.search(part)), None)
        if wrong is not None:
            raise InputError(
                f"{path}: set {name[:60]!r} has a tab, a line break or half a character in "
                f"{wrong[:60]!r}; remove it"
            )
    return found


def _form(path: Path) -> ModuleType:
    lines = [line for line in islice(read_lines(path), FIRST_LINES) if line.strip()]
    modules = [plugins.load(FORMATS, name) for name in plugins.names(FORMATS)]
    ordered = sorted(modules, key=lambda module: module.ORDER)
    return next(module for module in ordered if module.is_here(path, lines))
