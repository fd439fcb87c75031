"""Names of genes: what kind they are of, which gene of the data one means, and mapping files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from featurelens.genesets.sets import GeneSets, unique_symbols
from featurelens.genesets.text import read_lines
from featurelens.io import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


SHOWN = 5
"""Names that a message or a log shows of many."""

_VERSION = re.compile(r"(ENS[A-Z]*G\d{11})\.\d+")

_ENSEMBL = re.compile(r"ENS[A-Z]*G\d{11}(\.\d+)?")

_HUMAN_SYMBOLS = "symbols in capitals, as of human genes"

_KINDS = (
    ("human Ensembl ids", re.compile(r"ENSG\d{11}(\.\d+)?")),
    ("mouse Ensembl ids", re.compile(r"ENSMUSG\d{11}(\.\d+)?")),
    ("Ensembl ids of another species", re.compile(r"ENS[A-Z]+G\d{11}(\.\d+)?")),
    ("Ensembl ids of transcripts or proteins", re.compile(r"ENS[A-Z]*[TP]\d{11}(\.\d+)?")),
    ("numbers, as of Entrez", re.compile(r"\d+")),
    (
        "UniProt accessions",
        re.compile(r"[OPQ]\d[A-Z\d]{3}\d|[A-NR-Z]\d([A-Z][A-Z\d]{2}\d){1,2}"),
    ),
    (_HUMAN_SYMBOLS, re.compile(r"[A-Z\d][A-Z\d.@/-]*(orf[\d-]+)?")),
    ("capitalised symbols, as of mouse and rat genes", re.compile(r"[A-Z\d][A-Za-z\d.-]*")),
)
"""Kinds of names, the narrower before the wider; a UniProt accession is also in capitals."""

_SELECTED_COLUMNS = 22
_SELECTED_ENSEMBL = 18


def without_version(name: str) -> str:
    """An Ensembl gene id without its version (``ENSG00000126653.18``), any other name as it is.

    Examples
    --------
    >>> without_version("ENSG00000126653.18"), without_version("CD3D.1")
    ('ENSG00000126653', 'CD3D.1')
    """
    match = _VERSION.fullmatch(name)
    return match.group(1) if match else name


def kind_of_names(names: Iterable[str]) -> str:
    """What most of the names are, in words."""
    kinds = Counter(
        next((kind for kind, sign in _KINDS if sign.fullmatch(name)), "names of no known kind")
        for name in names
    )
    return kinds.most_common(1)[0][0] if kinds else "no names"


@dataclass(frozen=True)
class GeneIndex:
    """Which gene of the data a name means."""

    genes: tuple[str, ...]
    """Names of the data's genes, each once, in the order of its columns."""
    known: Mapping[str, str]
    """Every name of a gene (symbol, Ensembl id without version) to that in ``genes``."""
    in_capitals: Mapping[str, str] = field(default_factory=dict)
    """Human symbols in capitals (``C1ORF162``) to the one gene of that name (``C1orf162``)."""

    @classmethod
    def of(cls, var: pd.DataFrame) -> GeneIndex:
        """Index of a table of genes: symbols, then Ensembl ids (column ensembl, or the index).

        Where several genes share a name, it means the first of them.
        """
        genes = unique_symbols(var["symbol"])
        known = {gene: gene for gene in genes}
        columns = [var.index.tolist(), genes]
        if "ensembl" in var:
            columns.insert(0, var["ensembl"].tolist())
        for names in columns:
            for name, gene in zip(names, genes, strict=True):
                known.setdefault(without_version(str(name)), gene)
        known.pop("", None)
        return cls(tuple(genes), known, _in_capitals(genes))

    def find(self, name: str) -> str | None:
        """The data's name of a gene; None where the data do not have it."""
        found = self.known.get(name) or self.known.get(without_version(name))
        return found or self.in_capitals.get(name)

    def by_case(self, names: Iterable[str]) -> set[str]:
        """Those of the names that are found in capitals alone."""
        return {
            name
            for name in self.in_capitals.keys() & set(names)
            if name not in self.known and without_version(name) not in self.known
        }

    def translate(self, sets: GeneSets) -> GeneSets:
        """The same sets by the data's names; genes that the data do not have keep their own."""
        return GeneSets.of(
            (name, about, tuple(dict.fromkeys(self.find(gene) or gene for gene in genes)))
            for name, about, genes in sets.rows
        )


def _in_capitals(genes: Sequence[str]) -> dict[str, str]:
    """Capitals of genes that hold small letters, where all others are human symbols.

    Symbols of the mouse differ from human ones by their case alone, and are not taken for them.
    Genes without a symbol, which bear their Ensembl id, say nothing of that.
    """
    if kind_of_names(gene for gene in genes if not _ENSEMBL.fullmatch(gene)) != _HUMAN_SYMBOLS:
        return {}
    capitals = Counter(gene.upper() for gene in genes)
    mixed = [gene for gene in genes if gene != gene.upper()]
    return {gene.upper(): gene for gene in mixed if capitals[gene.upper()] == 1}


def require_overlap(
    names: Collection[str], index: GeneIndex, least: float, *, what: str = "gene sets and data"
) -> None:
    """Raise :class:`InputError` where sets and data have too few genes in common.

    Parameters
    ----------
    names
        Distinct genes of the sets.
    least
        Share of the fewer genes, of the sets or of the data, that both must have.
    what
        Both sides, for the message.
    """
    found = {index.find(name) for name in names} - {None}
    fewer = min(len(names), len(index.genes))
    if fewer and len(found) / fewer >= least and found:
        return
    ours, theirs = kind_of_names(names), kind_of_names(index.genes)
    guess = (
        f"both look like {ours}: are they of one species and naming?"
        if ours == theirs
        else f"the sets look like {ours}, the data like {theirs}"
    )
    raise InputError(
        f"{what} have {len(found)} in common, of {len(names)} and "
        f"{len(index.genes)}, less than {least:.0%} (min_overlap) of the fewer; the sets hold "
        f"names like {examples(names)}, the data names like {examples(index.genes)}; {guess}; "
        "use sets with the data's names, or give the collection a mapping"
    )


def examples(names: Iterable[str]) -> str:
    """The first few names by alphabet."""
    return ", ".join(sorted(names)[:3])


def read_mapping(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Read a file that maps names of genes to others; a name may have several.

    Either two columns separated by a tab, or UniProt's ``idmapping_selected.tab`` (accession in
    column 1, Ensembl genes in column 19), plain or gzip. Versions of Ensembl ids are cut off.

    Raises
    ------
    InputError
        If the file cannot be read or is of another form.
    """
    found: dict[str, dict[str, None]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        fields = line.split("\t")
        if not line or line.startswith("#"):
            continue
        if len(fields) == _SELECTED_COLUMNS:
            targets = fields[_SELECTED_ENSEMBL].split("; ")
        elif len(fields) == 2:
            targets = [fields[1].strip()]
        else:
            raise InputError(
                f"{path}: line {number} has {len(fields)} columns; a mapping has 2 (name in the "
                f"gene sets, name in the data) or the {_SELECTED_COLUMNS} of UniProt's "
                "idmapping_selected.tab"
            )
        targets = [without_version(target) for target in targets if target]
        if targets:
            found.setdefault(without_version(fields[0].strip()), {}).update(dict.fromkeys(targets))
    if not found:
        raise InputError(f"{path}: maps no name; check the path in the config")
    return {name: tuple(targets) for name, targets in found.items()}


def map_genes(
    sets: GeneSets, mapping: Mapping[str, tuple[str, ...]], path: str | Path
) -> tuple[GeneSets, tuple[str, ...]]:
    """Sets by the mapped names, without sets that lose all genes, and the names not mapped.

    Raises
    ------
    InputError
        If no gene is mapped.
    """
    names = sorted(sets.distinct)
    unmapped = tuple(name for name in names if without_version(name) not in mapping)
    if len(unmapped) == len(names):
        raise InputError(
            f"{path}: maps none of {len(names)} genes; the sets hold {kind_of_names(names)} "
            f"({examples(names)}), the mapping starts from {kind_of_names(mapping)} "
            f"({', '.join(islice(mapping, 3))}); choose another mapping or identifier"
        )
    rows = [
        (
            name,
            about,
            tuple(
                dict.fromkeys(
                    target for gene in genes for target in mapping.get(without_version(gene), ())
                )
            ),
        )
        for name, about, genes in sets.rows
    ]
    return GeneSets.of(row for row in rows if row[2]), unmapped


def read_background(path: str | Path, index: GeneIndex) -> NDArray:
    """Which genes of the data a file names, one a line; (n_genes,) true for those.

    Raises
    ------
    InputError
        If the file cannot be read, or names no gene of the data.
    """
    import numpy as np

    names = [line.strip() for line in read_lines(path) if line.strip()]
    found = {index.find(name) for name in names}
    mask = np.array([gene in found for gene in index.genes], dtype=bool)
    if not mask.any():
        raise InputError(
            f"{path}: none of its {len(names)} genes is in the data; it holds names like "
            f"{examples(names)}, the data names like {examples(index.genes)}"
        )
    return mask
