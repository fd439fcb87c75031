"""Gene sets as they are given in a call: a file, a collection, names with lists of genes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from featurelens.genesets.compiling import compile_collection
from featurelens.genesets.config import CollectionConfig
from featurelens.genesets.sets import GeneSets
from featurelens.io import InputError


def as_gene_sets(
    given: str | Path | CollectionConfig | Mapping[str, Sequence[str]],
) -> GeneSets:
    """Gene sets from a file, an ontology or a mapping; a set without genes counts as too small.

    Raises
    ------
    InputError
        If the file cannot be read, or there is no gene in any set.
    """
    if isinstance(given, (str, Path)):
        given = CollectionConfig(path=str(given))
    if isinstance(given, CollectionConfig):
        return compile_collection(given).sets
    given = _as_mapping(given)
    if not any(len(genes) for genes in given.values()):
        raise InputError(
            f"gene_sets: {len(given)} sets without any gene; give names of sets with lists of "
            "gene symbols, or the path of a GMT file"
        )
    return GeneSets(
        names=tuple(map(str, given)),
        descriptions=("",) * len(given),
        genes=tuple(tuple(dict.fromkeys(genes)) for genes in given.values()),
    )


def _as_mapping(given: Any) -> dict[str, list[str]]:
    """Names of sets with lists of genes: from a mapping, a Series of lists, or pairs."""
    pairs = list(given.items()) if isinstance(given, (pd.Series, Mapping)) else given
    if not isinstance(pairs, (list, tuple)) or not all(map(_is_pair, pairs)):
        raise InputError(
            f"gene_sets is a {type(given).__name__}; give a mapping from names of sets to lists of "
            "gene symbols, or the path of a file"
        )
    found: dict[str, list[str]] = {}
    for key, genes in pairs:
        name = str(key)
        if name in found:
            raise InputError(f"gene_sets: {name!r} is given twice; rename one")
        if isinstance(genes, str):
            raise InputError(f"gene_sets: {name!r} is one text; give a list of gene symbols")
        if isinstance(genes, Mapping) or not isinstance(genes, Iterable):
            raise InputError(
                f"gene_sets: {name!r} is {genes!r}; give a list of gene symbols, or leave it out"
            )
        found[name] = _names(name, genes)
    return found


def _names(name: str, genes: Iterable[Any]) -> list[str]:
    """Genes of a set as text, without those that are missing."""
    genes = list(genes)
    for gene in genes:
        if not pd.api.types.is_scalar(gene):
            raise InputError(f"gene_sets: {name!r} holds {gene!r}, not the name of a gene")
    return [str(gene) for gene in genes if not pd.isna(gene)]


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, (list, tuple)) and len(entry) == 2
