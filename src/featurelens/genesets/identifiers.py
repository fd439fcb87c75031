"""Names of genes: what kind they are of, which gene of the data one means, and mapping files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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


class NameCounts(NamedTuple):
    """How the data have names of gene sets."""

    n_names: int
    n_exact: int
    n_without_version: int
    """Found by an Ensembl id once its version is cut off."""
    n_by_capitals: int
    n_by_ortholog: int
    n_missing: int
    n_case_alone: int
    """Missing, though a gene of the data differs by letter case alone; that is no orthology."""
    n_repeated: int
    """Genes of the data whose symbol another one has before them."""

    def describe(self) -> str:
        """One line; what does not occur is not said."""
        ways = {
            "by an id without its version": self.n_without_version,
            "by their capitals": self.n_by_capitals,
            "by orthologs": self.n_by_ortholog,
        }
        told = "".join(f", {count} {way}" for way, count in ways.items() if count)
        line = f"{self.n_names - self.n_missing} of {self.n_names} names found{told}"
        if self.n_case_alone:
            line += (
                f"; {self.n_case_alone} differ from a gene of the data by letter case alone, which "
                "is no orthology (a table of it is given as orthologs of the cells)"
            )
        if self.n_repeated:
            line += f"; {self.n_repeated} genes share the symbol of another, which sets mean"
        return line


@dataclass(frozen=True)
class GeneIndex:
    """Which gene of the data a name means."""

    genes: tuple[str, ...]
    """Names of the data's genes, each once, in the order of its columns."""
    known: Mapping[str, str]
    """Every name of a gene (symbol, Ensembl id without version) to that in ``genes``."""
    in_capitals: Mapping[str, str] = field(default_factory=dict)
    """Human symbols in capitals (``C1ORF162``) to the one gene of that name (``C1orf162``)."""
    orthologs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names in another species to the data's genes."""
    n_repeated: int = 0
    """Genes of the data whose symbol another one has before them; no set holds these."""

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
        n_repeated = int(var["symbol"].astype(str).duplicated().sum())
        capitals = _in_capitals(genes)
        return cls(tuple(genes), known, capitals, _orthologs(var, genes), n_repeated)

    def find(self, name: str) -> str | None:
        """The data's name of a gene; None where the data do not have it."""
        found = self.known.get(name) or self.known.get(without_version(name))
        return found or self.in_capitals.get(name)

    def find_all(self, name: str) -> tuple[str, ...]:
        """All genes of the data that a name means: one, or several orthologs of it."""
        found = self.find(name)
        if found is not None:
            return (found,)
        return self.orthologs.get(without_version(name), ())

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
            (name, about, tuple(dict.fromkeys(chain(*map(self._meant, genes)))))
            for name, about, genes in sets.rows
        )

    def _meant(self, name: str) -> tuple[str, ...]:
        return self.find_all(name) or (name,)

    def account(self, names: Iterable[str]) -> NameCounts:
        """How the data have some names of gene sets, each counted once."""
        by_case, folded = self.by_case(names := set(names)), {g.casefold() for g in self.genes}
        missing = [name for name in names if not self.find_all(name)]
        exact = sum(name in self.known for name in names)
        orthologs = sum(self.find(name) is None and bool(self.find_all(name)) for name in names)
        return NameCounts(
            n_names=len(names),
            n_exact=exact,
            n_without_version=len(names) - len(missing) - exact - len(by_case) - orthologs,
            n_by_capitals=len(by_case),
            n_by_ortholog=orthologs,
            n_missing=len(missing),
            n_case_alone=sum(name.casefold() in folded for name in missing),
            n_repeated=self.n_repeated,
        )


def _orthologs(var: pd.DataFrame, genes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Genes of the data by each name of another species (column orthologs)."""
    if "orthologs" not in var:
        return {}
    found: dict[str, dict[str, None]] = {}
    for joined, gene in zip(var["orthologs"], genes, strict=True):
        for name in filter(None, str(joined).split("|")):
            found.setdefault(without_version(name), {})[gene] = None
    return {name: tuple(own) for name, own in found.items()}


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
    found = {gene for name in names for gene in index.find_all(name)}
    fewer = min(len(names), len(index.genes))
    if fewer and len(found) / fewer >= least and found:
        return
    ours, theirs = kind_of_names(names), kind_of_names(index.genes)
    case_alone = index.account(names).n_case_alone
    more = (
        f"; {case_alone} differ by letter case alone, which is no orthology: give a table of "
        "orthologs to the cells (orthologs)"
        if case_alone
        else ""
    )
    guess = (
        f"both look like {ours}: are they of one species and naming?"
        if ours == theirs
        else f"the sets look like {ours}, the data like {theirs}"
    )
    raise InputError(
        f"{what} have {len(found)} in common, of {len(names)} and "
        f"{len(index.genes)}, less than {least:.0%} (min_overlap) of the fewer; the sets hold "
        f"names like {examples(names)}, the data names like {examples(index.genes)}; {guess}; "
        f"use sets with the data's names, or give the collection a mapping{more}"
    )


def examples(names: Iterable[str]) -> str:
    """The first few names by alphabet."""
    return ", ".join(sorted(names)[:3])


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
