"""What lists of random genes would carry, and which gene sets a universe is large enough to tell.

A panel, or a choice of variable genes, holds few genes of each set and many of the sets. Then lists
of random genes "carry" sets too: always where p are not adjusted for the number of sets, and, where
the genes are compared with a genome that most of its genes are not of, also after that. And where
few genes are left, no order of them gives a set of three a p that many sets could share.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.conventions import Convention
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.term_tests import PUBLISHED_ALPHA, TermTests
from featurelens.enrichment.verdict import MOST
from featurelens.genesets.sets import Membership
from featurelens.stats import multiple
from featurelens.stats.arrays import Floats
from featurelens.stats.counts import log_hypergeometric
from featurelens.stats.ranks import rank_sum

N_LISTS = 1000
"""Lists of random genes that are drawn: a share is known to 0.016 (one standard error) or less."""
_LISTS_AT_ONCE = 100


def describe_universe(
    tests: TermTests,
    membership: Membership,
    n_live: int,
    *,
    config: EnrichmentConfig,
    convention: Convention,
) -> dict[str, Any]:
    """What random genes of the universe reach, and how many sets are out of reach.

    A list has as many genes as a tested feature selects (of those that rise and those that fall,
    the larger number), drawn without replacement from the universe that the convention compares:
    genes of the data that stand in some set, or all of the data (published). It carries a set by
    the hypergeometric test of its hits at ``alpha``.

    Returns
    -------
    dict
        n_universe; n_terms_beyond_reach (:func:`smallest_p` above ``alpha`` over the number of
        sets, which the smallest p of a feature must not exceed if it is to be declared; published:
        above .05); share_random_genes, share_random_unadjusted and share_random_against_genome:
        share of live features whose random list carries a set, adjusted over the sets
        (Benjamini-Hochberg), without that, and adjusted but compared with all genes of the
        collection.
    """
    inside = (
        membership.in_universe
        if convention == "corrected"
        else np.ones_like(membership.in_universe)
    )
    genes, sizes = np.flatnonzero(inside), membership.sizes
    alpha = config.alpha if convention == "corrected" else PUBLISHED_ALPHA
    needed = alpha / max(len(sizes), 1) if convention == "corrected" else alpha
    shares = np.zeros(3)
    lengths = tests.n_selected.max(axis=1, initial=0)
    if len(lengths) and len(sizes):
        rng = np.random.default_rng((config.seed, len(genes)))
        carried = [
            carried_by_chance(chosen, genes, membership, rng, alpha=alpha)
            for chosen in np.array_split(
                rng.choice(lengths, N_LISTS), max(1, N_LISTS // _LISTS_AT_ONCE)
            )
        ]
        shares = np.concatenate(carried).mean(axis=0) * len(lengths) / n_live
    names = ("share_random_genes", "share_random_unadjusted", "share_random_against_genome")
    return {
        "n_universe": len(genes),
        "n_terms_beyond_reach": int((smallest_p(sizes, len(genes)) > needed).sum()),
        **dict(zip(names, shares.tolist(), strict=True)),
    }


def carried_by_chance(
    lengths: NDArray[np.integer],
    genes: NDArray[np.integer],
    membership: Membership,
    rng: np.random.Generator,
    *,
    alpha: float,
) -> NDArray[np.bool_]:
    """Whether random lists of genes carry a set: adjusted, unadjusted, against the collection.

    Parameters
    ----------
    lengths
        (n_lists,) genes of each list.
    genes
        Positions of the universe's genes.

    Returns
    -------
    numpy.ndarray
        (n_lists, 3).
    """
    drawn = np.zeros((len(lengths), len(membership.genes)), dtype=np.float32)
    for row, length in zip(drawn, lengths, strict=True):
        row[rng.choice(genes, min(int(length), len(genes)), replace=False)] = 1
    hits = np.asarray((membership.matrix @ drawn.T).T, dtype=np.int64)
    n_drawn = drawn.sum(axis=1, dtype=np.int64)[:, None]
    here = np.exp(log_hypergeometric(hits, len(genes), membership.sizes, n_drawn))
    whole = max(membership.n_in_collection, len(genes))
    there = np.exp(log_hypergeometric(hits, whole, membership.sizes_in_collection, n_drawn))
    found = [multiple.bh(here, axis=1), here, multiple.bh(there, axis=1)]
    return np.stack([(p <= alpha).any(axis=1) for p in found], axis=1)


def smallest_p(sizes: NDArray[np.integer], n_universe: int) -> Floats:
    """Two-sided rank-sum p of sets whose genes stand above all others of the universe.

    Examples
    --------
    Three of ten genes: one of 120 equally likely choices, and the same at the other end.

    >>> smallest_p(np.array([3]), 10) * 120
    array([2.])
    """
    size = np.asarray(sizes, dtype=float)
    top = size * (2 * n_universe - size + 1) / 2
    return rank_sum(top, size, float(n_universe), 0.0).p


def attention(row: pd.Series, n_terms: int) -> str:
    """What is wrong with a row of a summary for want of genes, and what to do; nothing if nothing.

    The universe is too small to tell where more than half of the sets are out of reach of any order
    of its genes. A share says nothing where genes drawn at random by the same tests (share_genes)
    reach half of it, and nothing that was tested against a genome can be believed where random
    lists of this universe carry a set in half of the features.
    """
    found = []
    if row["n_terms_beyond_reach"] > MOST * n_terms:
        found.append(
            f"{row['n_universe']} genes are too few to tell: {row['n_terms_beyond_reach']} of "
            f"{n_terms} gene sets could not be declared by any order of them; use fewer and larger "
            "sets, or more genes"
        )
    if row["n_annotated"] and row["share_genes"] >= MOST * row["share"]:
        found.append(
            f"genes drawn at random annotate {row['share_genes']:.0%} of features by these tests: "
            "any sets of such sizes would do"
        )
    if row["share_random_against_genome"] >= MOST:
        found.append(
            f"random genes of these {row['n_universe']} carry a set in "
            f"{row['share_random_against_genome']:.0%} of features when compared with all genes of "
            "the collection: believe no test against a genome"
        )
    return "; ".join(found)
