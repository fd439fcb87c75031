"""Tables with a column of sets and one of genes, as of markers and networks.

PanglaoDB (``official gene symbol``, ``cell type``), CellMarker (``cell_name``, ``Symbol``, or
``cellName``, ``geneSymbol``), CellTypist (``Low-hierarchy cell types``, ``Curated markers``),
msigdbr (``gs_name``, ``gene_symbol``), OmniPath and decoupler (``source``, ``target``), by tabs,
commas or semicolons. A row holds one gene or several (``CD3D, CD3E, [CD8A, CD8B]``). Column names
are compared without regard to case, spaces, dashes and underscores.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from featurelens.genesets.read import SetsFile
from featurelens.genesets.sets import GeneSets
from featurelens.genesets.text import read_lines
from featurelens.io import InputError

ORDER = 4

SET_COLUMNS = (
    "source", "lowhierarchycelltypes", "cellname", "celltype", "cell", "gsname", "geneset", "set",
    "term", "pathway", "regulon", "tf", "description",
)  # fmt: skip
"""Columns that name the set of a row, the more telling first: CellMarker's ``cell_type`` says
normal or cancer cell, its ``cell_name`` which."""
GENE_COLUMNS = (
    "target", "officialgenesymbol", "genesymbol", "symbol", "curatedmarkers", "gene", "genes",
    "marker", "markers", "genename", "geneid", "ensemblgene",
)  # fmt: skip
"""Columns that name its gene or genes, the more telling first."""
MISSING = {"", "-", "na", "n/a", "nan", "none"}
"""What stands for no gene, and no set, in small letters."""


def is_here(path: Path, lines: Sequence[str]) -> bool:  # noqa: ARG001
    """Whether the first line is a header with a column of sets and one of genes."""
    try:
        return bool(lines) and _columns(_header(lines[0])) is not None
    except csv.Error:
        return False


def read(path: Path) -> SetsFile:
    """Read the sets of a long table, in the order in which they come.

    Raises
    ------
    InputError
        If a row is shorter than the header, or no row has both a set and a gene.
    """
    text = "\n".join(read_lines(path))
    header = _header(text.partition("\n")[0])
    places = _columns(header)
    if places is None:
        named = ", ".join(header)
        raise InputError(
            f"{path}: has the columns {named}; call the column of sets 'source' and the column of "
            "genes 'target'"
        )
    found: dict[str, dict[str, None]] = defaultdict(dict)
    n_empty = 0
    for number, row in enumerate(_rows(path, text), start=1):
        if number == 1 or not any(row):
            continue
        if len(row) <= max(places):
            raise InputError(f"{path}: line {number} has {len(row)} of {len(header)} columns")
        name, genes = row[places[0]].strip(), _genes(row[places[1]])
        if name.lower() not in MISSING and genes:
            found[name] |= dict.fromkeys(genes)
        else:
            n_empty += 1
    if not found:
        raise InputError(f"{path}: no row names both a set and a gene")
    sets = GeneSets.of((name, "", tuple(genes)) for name, genes in found.items())
    return SetsFile(sets, {"n_rows_without_set_or_gene": n_empty} if n_empty else {})


def _rows(path: Path, text: str) -> Iterator[list[str]]:
    """Fields of each row; a quote that does not close would swallow all rows behind it."""
    separator = _delimiter(text.partition("\n")[0])
    rows = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    try:
        yield from rows
    except csv.Error as error:
        raise InputError(
            f"{path}: line {rows.line_num} cannot be read ({error}); close its quotes, or double "
            "those within a field"
        ) from error


def _genes(field: str) -> list[str]:
    """Genes of a row; brackets of a complex are taken off."""
    genes = (gene.strip(" []\t") for gene in re.split(r"[,;|]", field))
    return [gene for gene in genes if gene.lower() not in MISSING]


def _delimiter(line: str) -> str:
    return max("\t,;", key=line.count)


def _header(line: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line], delimiter=_delimiter(line)))]


def _columns(header: Sequence[str]) -> tuple[int, int] | None:
    """Places of the column of sets and of that of genes."""
    plain = [re.sub(r"[\s_.-]", "", name).lower() for name in header]
    of_sets = next((plain.index(name) for name in SET_COLUMNS if name in plain), None)
    of_genes = next((plain.index(name) for name in GENE_COLUMNS if name in plain), None)
    return None if of_sets is None or of_genes is None else (of_sets, of_genes)
