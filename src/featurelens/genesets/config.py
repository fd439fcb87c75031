"""Where a collection of gene sets comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Annotated, Literal

from annotated_types import Ge, Le, MinLen

from featurelens.options import STRICT, File

Universe = Literal["mapped", "data"]
Identifier = Literal["symbol", "accession"]
Propagation = Literal["none", "is_a", "is_a_part_of"]

EVIDENCE = (
    *("EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP"),
    *("IBA", "IBD", "IKR", "IRD", "ISS", "ISO", "ISA", "ISM", "IGC", "RCA"),
    *("TAS", "NAS", "IC", "ND", "IEA"),
)
"""Evidence codes of the Gene Ontology: experiments, inference, statements, no data, electronic."""

Text = Annotated[str, MinLen(1)]


@dataclass(frozen=True, kw_only=True)
class UniverseConfig:
    """Genes that gene sets are compared with."""

    __pydantic_config__ = STRICT

    genes: Universe = "mapped"
    """Corrected: genes of the data that stand in some set, or all; published takes all of them."""
    file: File | None = None
    """File with one gene a line; genes of the data that it does not name count in no set."""
    min_overlap: Annotated[float, Ge(0), Le(1)] = 0.05
    """Least share of the fewer genes, of the sets or of the data, that both have; less stops."""


@dataclass(frozen=True, kw_only=True)
class CollectionConfig:
    """A collection of gene sets: a file of sets, an ontology with annotations, or a union."""

    __pydantic_config__ = STRICT

    path: File | None = None
    """File of sets: GMT, or a .yaml or .json file of one's own; gzip is read for GMT."""
    ontology: File | None = None
    """OBO file; gives the terms of annotations, or the levels of sets that bear GO ids."""
    annotations: File | None = None
    """GAF file, or a table with the genes of every term, to make the sets from."""
    namespace: Literal["all", "biological_process", "molecular_function", "cellular_component"] = (
        "all"
    )
    """Part of the ontology whose terms are kept."""
    propagate: Propagation = "is_a_part_of"
    """Relations along which a term's genes count for its ancestors; none is as published."""
    min_level: Annotated[int, Ge(0)] = 1
    """Terms nearer to the root than this many steps are left out; the root itself is at 0."""
    identifier: Identifier = "symbol"
    """Which name of a gene is taken from annotations: its symbol or its database accession."""
    mapping: File | None = None
    """File from the sets' names to the data's: two columns, or UniProt's idmapping_selected.tab."""
    evidence: tuple[str, ...] = ()
    """Evidence codes of annotations that are kept; empty keeps all."""
    exclude_evidence: tuple[str, ...] = ()
    """Evidence codes of annotations that are left out, such as IEA and ND."""
    union: tuple[Text, ...] = ()
    """Collections, by name, whose sets this one holds together; it has no file of its own."""
    annotate: bool | None = None
    """Whether features are annotated with it by itself; null: unless it is part of a union."""
    datasets: tuple[Text, ...] | None = None
    """Datasets that are annotated with it, such as those of its species; null means all."""

    def covers(self, dataset: str) -> bool:
        """Whether it is for a dataset."""
        return self.datasets is None or dataset in self.datasets

    def __post_init__(self) -> None:
        if self.union:
            self._check_union()
            return
        if (self.path is None) == (self.annotations is None):
            given = "neither" if self.path is None else "both"
            raise ValueError(f"{given} of path and annotations is given; give one of them")
        if self.annotations is not None and self.ontology is None:
            raise ValueError("annotations need an ontology; give the path of an OBO file")
        if self.path is not None and (self.evidence or self.exclude_evidence):
            raise ValueError("evidence belongs to annotations; remove it from a file of sets")
        for code in (*self.evidence, *self.exclude_evidence):
            if code not in EVIDENCE:
                near = get_close_matches(code.upper(), EVIDENCE, n=1) or EVIDENCE[:1]
                raise ValueError(f"{code!r} is no evidence code; did you mean {near[0]!r}?")

    def _check_union(self) -> None:
        """What a union says is said by its parts, but for its datasets."""
        its = ("union", "annotate", "datasets")
        for field in fields(self):
            if field.name not in its and getattr(self, field.name) != field.default:
                raise ValueError(f"a union has no {field.name!r}; give it to its collections")
        if len(set(self.union)) < max(len(self.union), 2):
            raise ValueError("a union is of two or more collections, each once")


def annotated_with(collections: Mapping[str, CollectionConfig], dataset: str) -> list[str]:
    """Names of the collections that a dataset is annotated with, in their order.

    A union is for the datasets that all of its parts are for, as far as these are given. What is
    part of a union is not annotated with by itself, unless it says ``annotate: true``.

    Examples
    --------
    >>> parts = {name: CollectionConfig(path=f"{name}.gmt") for name in ("process", "function")}
    >>> annotated_with(parts | {"both": CollectionConfig(union=("process", "function"))}, "marrow")
    ['both']
    """
    parts = {part for collection in collections.values() for part in collection.union}
    return [
        name
        for name, collection in collections.items()
        if (name not in parts if collection.annotate is None else collection.annotate)
        and all(
            collections[each].covers(dataset)
            for each in (name, *collection.union)
            if each in collections
        )
    ]
