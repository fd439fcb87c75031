"""Gene sets over the genes of a data set: names translated, too little overlap refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import compress

import pandas as pd

from featurelens.genesets.config import UniverseConfig
from featurelens.genesets.identifiers import GeneIndex, read_background, require_overlap
from featurelens.genesets.sets import GeneSets, Membership


def overlay(
    sets: GeneSets,
    var: pd.DataFrame,
    *,
    min_genes: int,
    max_genes: int,
    universe: UniverseConfig | None = None,
) -> Membership:
    """Lay gene sets over a table of genes.

    Parameters
    ----------
    sets
        By symbol or by Ensembl id, with or without version.
    var
        The data's genes: column symbol, and ensembl where it is known.
    min_genes, max_genes
        Sets with fewer or more genes in the data are left out.

    Raises
    ------
    InputError
        If sets and data have too few genes in common, or no set keeps enough genes.
    """
    universe = universe or UniverseConfig()
    index = GeneIndex.of(var)
    require_overlap(sets.distinct, index, universe.min_overlap)
    membership = index.translate(sets).membership(
        index.genes,
        min_genes=min_genes,
        max_genes=max_genes,
        universe=universe.genes,
        background=None if universe.file is None else read_background(universe.file, index),
    )
    return replace(
        membership,
        by_case=tuple(sorted(index.by_case(sets.distinct))),
        found=index.account(sets.distinct).describe(),
    )


def require_testable(
    sets: GeneSets,
    index: GeneIndex,
    *,
    min_genes: int,
    max_genes: int,
    background: str | None = None,
) -> None:
    """Raise :class:`InputError` unless some set keeps enough genes of the data, and not too many.

    Parameters
    ----------
    sets, min_genes, max_genes
        As in :func:`overlay`.
    index
        The data's genes.
    background
        File of the genes that count; None counts all.
    """
    counted = None if background is None else read_background(background, index)
    kept = index.genes if counted is None else compress(index.genes, counted)
    known = set(kept)
    for genes in sets.genes:
        if (
            min_genes
            <= len({own for gene in genes for own in index.find_all(gene)} & known)
            <= max_genes
        ):
            return
    index.translate(sets).membership(
        index.genes, min_genes=min_genes, max_genes=max_genes, background=counted
    )
