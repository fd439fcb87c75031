"""How much of every gene set the data have, as a look at a run's files finds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from featurelens.enrichment.config import EnrichmentConfig
from featurelens.genesets.identifiers import GeneIndex, NameCounts
from featurelens.genesets.sets import GeneSets


class SetShare(NamedTuple):
    """How many genes of a gene set the data have."""

    dataset: str
    collection: str
    term: str
    n_genes: int
    n_in_data: int
    share: float
    """Of the set's genes, those that the data have."""
    is_tested: bool
    """Whether the data have neither too few nor too many of them."""


@dataclass
class Look:
    """What a look at a run's files finds beside a line for each."""

    dimensions: dict[str, int | None] = field(default_factory=dict)
    """Of every embedding, as dataset/model, where they are known."""
    names: dict[tuple[str, str], NameCounts] = field(default_factory=dict)
    """How the names of a collection were found in a dataset, by (collection, dataset)."""
    sets: list[SetShare] = field(default_factory=list)
    """Every gene set over the genes of every dataset."""


def shares(
    sets: GeneSets, index: GeneIndex, tests: EnrichmentConfig, *, dataset: str, collection: str
) -> Iterator[SetShare]:
    """A row for every set."""
    for term, genes in zip(sets.names, sets.genes, strict=True):
        found = [index.find_all(name) for name in dict.fromkeys(genes)]
        n_in_data = len({gene for each in found for gene in each})
        share = sum(map(bool, found)) / max(len(found), 1)
        is_tested = tests.min_genes <= n_in_data <= tests.max_genes
        yield SetShare(dataset, collection, term, len(found), n_in_data, share, is_tested)
