"""Genes of ontology terms: GAF files, and tables that list the genes of every term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from featurelens.genesets.config import Identifier
from featurelens.genesets.ontology import Ontology
from featurelens.genesets.text import DIRECT, GAF, read_lines, require_kind
from featurelens.io import InputError

_COLUMNS = {"symbol": 2, "accession": 1}


class Annotation(NamedTuple):
    """One line of an annotation file."""

    term: str
    gene: str
    negated: bool
    evidence: str


@dataclass(frozen=True)
class DirectGenes:
    """Genes that are annotated to a term itself, and what was left out."""

    genes: dict[str, set[str]]
    """Id of a term in use to names of genes."""
    counts: dict[str, int]
    """n_annotations (as read), n_not, n_other_evidence, n_obsolete, n_replaceable, n_unknown (no
    such term) and n_without_gene were left out; n_alternative were moved to the id in use."""


def read_annotations(
    path: str | Path,
    ontology: Ontology,
    *,
    identifier: Identifier = "symbol",
    evidence: Collection[str] = (),
    exclude_evidence: Collection[str] = (),
) -> DirectGenes:
    """Read a GAF 2 file, or a table with the genes of every term, and settle its terms.

    Annotations with the qualifier NOT and those of obsolete terms are left out; alternative ids
    become the id in use.

    Parameters
    ----------
    path
        GAF, or a table whose header begins with ``go_id`` and has gene_symbols or gene_ids,
        separated by bars; plain or gzip.
    ontology
        Which terms are in use.
    identifier
        symbol (GAF column 3) or accession (GAF column 2; gene_ids of a table).
    evidence
        Codes to keep; all when empty. A table has no codes, so it allows no choice.
    exclude_evidence
        Codes to leave out.

    Raises
    ------
    InputError
        If the file is missing, is of another kind, breaks off, has a line that cannot be read, or
        no annotation is left.
    """
    path = Path(path)
    kind = require_kind(
        path, GAF, DIRECT, advice="download the annotations, or correct the path in the config"
    )
    if kind == DIRECT and (evidence or exclude_evidence):
        raise InputError(
            f"{path}: has no evidence codes; remove evidence and exclude_evidence, or use a GAF"
        )
    lines = _read_gaf(path, identifier) if kind == GAF else _read_direct(path, identifier)
    counts: Counter[str] = Counter()
    genes: dict[str, set[str]] = {}
    for line in lines:
        counts["n_annotations"] += 1
        if not line.gene:
            counts["n_without_gene"] += 1
        elif line.negated:
            counts["n_not"] += 1
        elif (evidence and line.evidence not in evidence) or line.evidence in exclude_evidence:
            counts["n_other_evidence"] += 1
        elif line.term in ontology.obsolete:
            counts["n_obsolete"] += 1
            counts["n_replaceable"] += bool(ontology.obsolete[line.term])
        elif (term := ontology.resolve(line.term)) is None:
            counts["n_unknown"] += 1
        else:
            counts["n_alternative"] += term.id != line.term
            genes.setdefault(term.id, set()).add(line.gene)
    if not genes:
        raise InputError(
            f"{path}: none of {counts['n_annotations']} annotations is left "
            f"({counts['n_unknown']} of unknown terms, {counts['n_obsolete']} of obsolete ones, "
            f"{counts['n_not']} negated, {counts['n_other_evidence']} of other evidence, "
            f"{counts['n_without_gene']} without a gene); "
            "use an ontology and annotations of about the same date"
        )
    names = (
        *("n_annotations", "n_not", "n_other_evidence", "n_obsolete", "n_replaceable"),
        *("n_unknown", "n_without_gene", "n_alternative"),
    )
    return DirectGenes(genes, {name: counts[name] for name in names})


def _read_gaf(path: Path, identifier: Identifier) -> Iterator[Annotation]:
    column = _COLUMNS[identifier]
    for number, line in enumerate(read_lines(path), start=1):
        if line.startswith("!") or not line:
            continue
        fields = line.split("\t")
        if len(fields) < 15 or not fields[4]:
            raise InputError(
                f"{path}: line {number} has {len(fields)} columns or no term; a GAF line "
                "has 15 to 17, so the file breaks off or is damaged"
            )
        negated = "NOT" in fields[3].split("|")
        yield Annotation(fields[4], fields[column].strip(), negated, fields[6])


def _read_direct(path: Path, identifier: Identifier) -> Iterator[Annotation]:
    lines = read_lines(path)
    header = next(lines).split("\t")
    name = "gene_symbols" if identifier == "symbol" else "gene_ids"
    if name not in header:
        raise InputError(f"{path}: has no column {name}; it has {', '.join(header)}")
    column = header.index(name)
    for number, line in enumerate(lines, start=2):
        if not line:
            continue
        fields = line.split("\t")
        if len(fields) != len(header):
            raise InputError(
                f"{path}: line {number} has {len(fields)} columns, the header {len(header)}; "
                "the file breaks off or is damaged"
            )
        for gene in filter(None, fields[column].split("|")):
            yield Annotation(fields[0], gene.strip(), False, "")
