"""The Gene Ontology: terms of an OBO file, their levels, and genes handed up to ancestors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

from featurelens.genesets.config import Propagation
from featurelens.genesets.text import OBO, read_lines, require_kind
from featurelens.io import InputError

GO_ID = re.compile(r"GO:\d{7}")

_WORDS = {"relationship": 2} | dict.fromkeys(
    ("id", "alt_id", "is_a", "is_obsolete", "replaced_by", "namespace"), 1
)
"""Tags whose values are words without blanks, and how many: a relation and an id, or one."""

_BEHIND = re.compile(r"[!{]")
"""What begins a remark, or modifiers such as a source."""

N_LEVELS = 4
"""Ancestors that are named: those at levels 1 to 4."""


@dataclass(frozen=True)
class Term:
    """A term that is in use, with its parents by relation (ids of terms in use, sorted)."""

    id: str
    name: str
    namespace: str
    is_a: tuple[str, ...]
    part_of: tuple[str, ...]


class Level(NamedTuple):
    """Steps from a term to the root along is_a: the fewest and the most."""

    level: int
    depth: int


@dataclass(frozen=True)
class Ontology:
    """Terms in use, parents before children, and what became of the others."""

    terms: dict[str, Term]
    alternative: dict[str, str]
    """Old id to the id of the term that took it over."""
    obsolete: dict[str, str]
    """Id of an obsolete term to the id that replaces it, empty where there is none."""
    version: str
    """data-version of the file, empty where it has none."""
    n_dangling: int
    """Parents that the file names but does not hold; they are left out."""
    n_nameless: int = 0
    """Terms without a name, stubs of another ontology's; they are left out."""

    def resolve(self, identifier: str) -> Term | None:
        """The term in use that an id or an alternative id stands for."""
        return self.terms.get(self.alternative.get(identifier, identifier))

    def levels(self) -> dict[str, Level]:
        """Level and depth of every term; roots, which have no is_a parent, are at 0.

        As goatools counts (``GOTerm.level`` and ``GOTerm.depth``), whose levels the paper uses.
        """
        found: dict[str, Level] = {}
        for term in self.terms.values():
            above = [found[parent] for parent in term.is_a]
            found[term.id] = Level(
                min((parent.level + 1 for parent in above), default=0),
                max((parent.depth + 1 for parent in above), default=0),
            )
        return found

    def ancestor_names(self, identifier: str, levels: Mapping[str, Level]) -> list[str]:
        """Names of the term's ancestors at levels 1 to 4.

        The walk of the paper (``mlcb_figure_3.py``, ``add_parent_go_terms``): from the term towards
        the root through is_a parents whose level is exactly one lower. The author takes the first
        such parent in the order of a Python set, which changes from run to run; here it is the
        one with the smallest id. A term at or above a level stands for itself there.
        """
        path = [self.terms[identifier]]
        while (here := levels[path[-1].id].level) > 0:
            parents = (p for p in path[-1].is_a if levels[p].level == here - 1)
            path.append(self.terms[min(parents)])
        own = len(path) - 1
        return [path[max(own - level, 0)].name for level in range(1, N_LEVELS + 1)]

    def propagate(
        self, genes: Mapping[str, Iterable[str]], relations: Propagation
    ) -> dict[str, set[str]]:
        """Hand the genes of every term to its ancestors.

        Parameters
        ----------
        genes
            Id of a term in use to its own genes.
        relations
            ``none`` hands nothing on, ``is_a`` along is_a only (goatools' default), and
            ``is_a_part_of`` along both relations that the Gene Ontology calls safe for grouping
            annotations; part_of may lead from one namespace into another.

        Returns
        -------
        dict
            Id to genes, for terms that have any.
        """
        total = {identifier: set(own) for identifier, own in genes.items()}
        if relations == "none":
            return total
        for term in reversed(self.terms.values()):
            own = total.get(term.id)
            if own:
                along = term.is_a if relations == "is_a" else (*term.is_a, *term.part_of)
                for parent in along:
                    total.setdefault(parent, set()).update(own)
        return total


def read_obo(path: str | Path) -> Ontology:
    """Read an OBO file (plain or gzip): ids, names, namespaces, is_a, part_of, obsolete terms.

    Raises
    ------
    InputError
        If the file is missing, is of another kind, breaks off, holds no term, has a term without
        an id or twice, a tag without its value, or its terms form a cycle.
    """
    path = Path(path)
    require_kind(
        path, OBO, advice="download go-basic.obo itself, or correct 'ontology' in the config"
    )
    header, stanzas = _stanzas(path)
    if not stanzas:
        raise InputError(f"{path}: holds no [Term]; download the ontology again")
    live: dict[str, dict[str, list[str]]] = {}
    alternative: dict[str, str] = {}
    obsolete: dict[str, str] = {}
    n_nameless = 0
    for stanza in stanzas:
        identifier = stanza.get("id", [""])[0]
        if not identifier or ("name" not in stanza and stanza is stanzas[-1]):
            raise InputError(
                f"{path}: term {identifier or '(no id)'} has no "
                f"{'name' if identifier else 'id'}; the file breaks off or is damaged"
            )
        if "name" not in stanza:
            n_nameless += 1
            continue
        for tag in ("id", "name"):
            if len(stanza[tag]) > 1:
                raise InputError(
                    f"{path}: term {identifier} has {tag!r} twice, {stanza[tag][1]!r} too; "
                    "a [Term] is lost between them, so the file is damaged"
                )
        if identifier in live or identifier in obsolete:
            raise InputError(f"{path}: term {identifier} is defined twice; use one ontology")
        if "true" in stanza.get("is_obsolete", []):
            obsolete[identifier] = stanza.get("replaced_by", [""])[0]
        else:
            live[identifier] = stanza
            alternative |= dict.fromkeys(stanza.get("alt_id", []), identifier)
    namespace = header.get("default-namespace", "")
    terms = {name: _term(name, stanza, live, namespace) for name, stanza in live.items()}
    n_named = sum(len(_parents(stanza)) for stanza in live.values())
    return Ontology(
        terms=_in_order(path, terms),
        alternative={old: new for old, new in alternative.items() if old not in live},
        obsolete=obsolete,
        version=header.get("data-version", ""),
        n_dangling=n_named - sum(len(term.is_a) + len(term.part_of) for term in terms.values()),
        n_nameless=n_nameless,
    )


def _stanzas(path: Path) -> tuple[dict[str, str], list[dict[str, list[str]]]]:
    """The header, and every [Term] as tag to values; comments and qualifiers are cut off."""
    header: dict[str, str] = {}
    terms: list[dict[str, list[str]]] = []
    current: dict[str, list[str]] | None = None
    in_header = True
    for number, line in enumerate(read_lines(path), start=1):
        if line.startswith("["):
            in_header = False
            current = {} if line.partition("!")[0].strip() == "[Term]" else None
            if current is not None:
                terms.append(current)
            continue
        tag, colon, value = line.partition(":")
        if not colon:
            continue
        value = value.strip()
        if in_header:
            header[tag] = value
        elif current is not None:
            if tag in _WORDS or tag == "name":
                value = _checked(tag, value, f"{path}: line {number}")
            current.setdefault(tag, []).append(value)
    return header, terms


def _checked(tag: str, value: str, where: str) -> str:
    """The value of a tag that is read; behind words, remarks and sources are cut off."""
    if tag in _WORDS:
        words = _BEHIND.split(value, maxsplit=1)[0].split()[: _WORDS[tag]]
        value = " ".join(words) if len(words) == _WORDS[tag] else ""
    if not value or (tag == "is_obsolete" and value not in ("true", "false")):
        needs = {"name": "a name", "relationship": "a relation and a term"}.get(tag, "one word")
        needs = "true or false" if tag == "is_obsolete" else needs
        raise InputError(f"{where}: {tag!r} needs {needs}; the file breaks off or is damaged")
    return value


def _parents(stanza: Mapping[str, list[str]]) -> set[tuple[str, str]]:
    """Pairs of relation and parent: is_a, part_of."""
    related = (value.split(maxsplit=1) for value in stanza.get("relationship", []))
    return {("is_a", parent) for parent in stanza.get("is_a", [])} | {
        ("part_of", parts[1]) for parts in related if len(parts) == 2 and parts[0] == "part_of"
    }


def _term(
    identifier: str, stanza: Mapping[str, list[str]], live: Mapping[str, object], namespace: str
) -> Term:
    parents = sorted(_parents(stanza))
    return Term(
        id=identifier,
        name=stanza["name"][0].replace("\t", " "),
        namespace=stanza.get("namespace", [namespace])[0],
        is_a=tuple(parent for kind, parent in parents if kind == "is_a" and parent in live),
        part_of=tuple(parent for kind, parent in parents if kind == "part_of" and parent in live),
    )


def _in_order(path: Path, terms: Mapping[str, Term]) -> dict[str, Term]:
    """Terms with parents before children, along is_a and part_of."""
    graph = {term.id: {*term.is_a, *term.part_of} for term in terms.values()}
    try:
        return {
            identifier: terms[identifier] for identifier in TopologicalSorter(graph).static_order()
        }
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise InputError(
            f"{path}: the terms {cycle} form a cycle, so that none is above the others; "
            "use go-basic.obo, which has none"
        ) from error
