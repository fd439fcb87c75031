"""From any source of gene sets to what later stages read: the sets, and one row for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from featurelens.genesets.annotations import DirectGenes, read_annotations
from featurelens.genesets.config import CollectionConfig
from featurelens.genesets.identifiers import SHOWN
from featurelens.genesets.mapping import map_genes, read_mapping
from featurelens.genesets.ontology import GO_ID, N_LEVELS, Level, Ontology, Term, read_obo
from featurelens.genesets.read import read_counted, read_sets
from featurelens.genesets.sets import GeneSets, category
from featurelens.io import InputError

TERM_COLUMNS = (
    *("term", "id", "name", "namespace", "n_genes", "level", "depth"),
    *(f"level_{level}" for level in range(1, N_LEVELS + 1)),
)

Counts = dict[str, int | str]

_DATE = re.compile(r"\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|\d{4}-\d\d-\d\d")
"""What a spreadsheet makes of genes such as MARCH1 and SEPT2."""


@dataclass(frozen=True)
class Collection:
    """Gene sets in one form, whatever they came from."""

    sets: GeneSets
    """Descriptions read ``category|source``; the category is the ancestor at level 1."""
    terms: pd.DataFrame
    """One row a set, in the same order: the columns of :data:`TERM_COLUMNS`."""
    counts: Counts
    """What was read, kept and left out."""

    def describe(self) -> str:
        """The counts in one line."""
        return ", ".join(f"{name} {value}" for name, value in self.counts.items())


class Checked(NamedTuple):
    """What :func:`check_collection` found."""

    found: dict[str, str]
    """What is in each file, in a few words, by field."""
    genes: set[str]
    """Every gene of the collection."""
    sets: GeneSets | None
    """Sets of a file; None where they are to be made of annotations, which takes long."""


def compile_collection(config: CollectionConfig) -> Collection:
    """Read a collection from its sources.

    Returns
    -------
    Collection
        Sets in the order of their file, or of their ids where they are made from annotations. A
        term is called by its name in the file, or in the ontology. terms: term, id, name,
        namespace, n_genes, level and depth (``Ontology.levels``), level_1 to level_4
        (``Ontology.ancestor_names``). Without a term in an ontology, level_1 is the category of
        the description and the others are empty.

    Raises
    ------
    InputError
        If a source cannot be read, or no set is left.
    """
    ontology = None if config.ontology is None else read_obo(config.ontology)
    if config.annotations is not None and ontology is not None:
        collection = _from_annotations(config, ontology)
    else:
        collection = _from_sets(config, ontology)
    if not collection.sets.names:
        raise InputError(
            f"{config.path or config.annotations}: no set is left of namespace {config.namespace} "
            f"{config.min_level} steps or more below the root; lower min_level or change namespace"
        )
    return collection if config.mapping is None else _mapped(collection, config.mapping)


def check_collection(config: CollectionConfig) -> Checked:
    """Read every file of a collection without the work of :func:`compile_collection`.

    Raises
    ------
    InputError
        As :func:`compile_collection`.
    """
    found: dict[str, str] = {}
    genes: set[str] = set()
    sets = ontology = None
    if config.ontology is not None:
        ontology = read_obo(config.ontology)
        version = f", {ontology.version}" if ontology.version else ""
        found["ontology"] = f"{len(ontology.terms)} terms{version}"
    if config.path is not None:
        sets = read_sets(config.path)
        found["path"], genes = f"{len(sets.names)} gene sets", sets.distinct
    if config.annotations is not None and ontology is not None:
        direct = _direct(config, ontology)
        found["annotations"] = f"genes of {len(direct.genes)} terms"
        genes = set().union(*direct.genes.values())
    if config.mapping is not None:
        everything = sets or GeneSets.of([("all", "", tuple(genes))])
        mapped, unmapped = map_genes(everything, read_mapping(config.mapping), config.mapping)
        found["mapping"] = f"maps {len(genes) - len(unmapped)} of {len(genes)} genes"
        sets, genes = sets and mapped, mapped.distinct
    return Checked(found, genes, sets)


def _direct(config: CollectionConfig, ontology: Ontology) -> DirectGenes:
    return read_annotations(
        str(config.annotations),
        ontology,
        identifier=config.identifier,
        evidence=config.evidence,
        exclude_evidence=config.exclude_evidence,
    )


def _from_annotations(config: CollectionConfig, ontology: Ontology) -> Collection:
    direct = _direct(config, ontology)
    genes = ontology.propagate(direct.genes, config.propagate)
    levels = ontology.levels()
    kept = [
        ontology.terms[identifier]
        for identifier in sorted(genes)
        if _is_kept(ontology.terms[identifier], levels, config)
    ]
    terms = dict(zip(_unique_names(kept), kept, strict=True))
    labels = {name: ontology.ancestor_names(term.id, levels) for name, term in terms.items()}
    sets = GeneSets.of(
        (name, f"{labels[name][0]}|{term.id}", tuple(sorted(genes[term.id])))
        for name, term in terms.items()
    )
    counts: Counts = {"source": "annotations", "ontology": ontology.version}
    counts |= {"n_terms_in_use": len(ontology.terms), "n_terms_obsolete": len(ontology.obsolete)}
    counts |= {"n_terms_without_name": ontology.n_nameless}
    counts |= {"n_parents_missing": ontology.n_dangling} | dict(direct.counts)
    counts |= {"propagated": config.propagate, "n_terms_direct": len(direct.genes)}
    counts |= {"n_terms_with_genes": len(genes)} | _sizes(sets)
    return Collection(sets, _term_table(sets, terms, levels, labels), counts)


def _from_sets(config: CollectionConfig, ontology: Ontology | None) -> Collection:
    read = read_counted(str(config.path))
    sets = read.sets
    counts: Counts = {"source": "sets", "n_sets_read": len(sets.names), **read.counts}
    if ontology is None:
        return Collection(sets, _term_table(sets, {}, {}, {}), counts | _sizes(sets))
    levels = ontology.levels()
    found = _terms_of(sets, ontology)
    if not found:
        raise InputError(
            f"{config.path}: no set bears the id or the name of a term of {config.ontology}; "
            "remove 'ontology', or use sets of the Gene Ontology"
        )
    terms = {name: term for name, term in found.items() if _is_kept(term, levels, config)}
    labels = {name: ontology.ancestor_names(term.id, levels) for name, term in terms.items()}
    sets = GeneSets.of(
        (name, f"{labels[name][0]}|{about or terms[name].id}" if name in terms else about, genes)
        for name, about, genes in sets.rows
        if name in terms or name not in found
    )
    counts |= {"ontology": ontology.version, "n_with_term": len(terms)}
    counts |= {"n_without_term": len(sets.names) - len(terms)} | _sizes(sets)
    return Collection(sets, _term_table(sets, terms, levels, labels), counts)


def _mapped(collection: Collection, path: str) -> Collection:
    """The collection by other names of genes; sets that lose all of them are left out."""
    sets, unmapped = map_genes(collection.sets, read_mapping(path), path)
    counts = dict(collection.counts) | {
        "n_genes_mapped": len(collection.sets.distinct) - len(unmapped),
        "n_genes_unmapped": len(unmapped),
        "unmapped": ", ".join(unmapped[:SHOWN]),
        "n_sets_lost": len(collection.sets.names) - len(sets.names),
    }
    terms = collection.terms.set_index("term", drop=False).loc[list(sets.names)]
    terms = terms.assign(n_genes=[len(genes) for genes in sets.genes]).reset_index(drop=True)
    return Collection(sets, terms, counts | _sizes(sets))


def _terms_of(sets: GeneSets, ontology: Ontology) -> dict[str, Term]:
    """The term of each set that has one.

    By a GO id in the set's name or description, or by a name in the manner of MSigDB
    (GOBP_ERYTHROCYTE_DIFFERENTIATION).
    """
    shouted = {_msigdb_name(term): term for term in ontology.terms.values()}
    found: dict[str, Term | None] = {}
    for name, description, _ in sets.rows:
        identifier = GO_ID.search(name) or GO_ID.search(description)
        found[name] = (
            ontology.resolve(identifier.group()) if identifier else shouted.get(name.upper())
        )
    return {name: term for name, term in found.items() if term is not None}


def _is_kept(term: Term, levels: Mapping[str, Level], config: CollectionConfig) -> bool:
    wanted = config.namespace in ("all", term.namespace)
    return wanted and levels[term.id].level >= config.min_level


def _term_table(
    sets: GeneSets,
    terms: Mapping[str, Term],
    levels: Mapping[str, Level],
    labels: Mapping[str, list[str]],
) -> pd.DataFrame:
    rows = []
    for name, description, genes in sets.rows:
        term = terms.get(name)
        known: tuple[object, ...] = (name, "", name, "", len(genes), None, None)
        above = [category(description), *[""] * (N_LEVELS - 1)]
        if term is not None:
            level, depth = levels[term.id]
            known = (name, term.id, term.name, term.namespace, len(genes), level, depth)
            above = labels[name]
        rows.append((*known, *above))
    table = pd.DataFrame(rows, columns=list(TERM_COLUMNS))
    return table.astype({"level": "Int64", "depth": "Int64"})


def _unique_names(terms: list[Term]) -> list[str]:
    """Names of terms, with the id behind those that several terms share."""
    counts = Counter(term.name for term in terms)
    return [term.name if counts[term.name] == 1 else f"{term.name} ({term.id})" for term in terms]


def _msigdb_name(term: Term) -> str:
    prefix = "GO" + "".join(word[0] for word in term.namespace.upper().split("_"))
    return "_".join([prefix, *re.findall(r"[A-Z0-9]+", term.name.upper())])


def _sizes(sets: GeneSets) -> Counts:
    return {
        "n_sets": len(sets.names),
        "n_genes": len(sets.distinct),
        "n_spreadsheet_dates": sum(bool(_DATE.fullmatch(gene)) for gene in sets.distinct),
    }
