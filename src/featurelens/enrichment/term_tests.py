"""Tests of every feature against every gene set, as matrices (n_features, n_terms).

The input is any table of gene statistics per feature; where it came from does not matter. The
published convention repeats the author's procedure, the corrected one keeps up and down apart.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.dge.feature_tables import iter_feature_tables
from featurelens.genesets.sets import Membership
from featurelens.io import InputError
from featurelens.stats import welch
from featurelens.stats.arrays import Floats
from featurelens.stats.counts import log_binomial_two_sided, log_hypergeometric
from featurelens.stats.ranks import rank_rows, rank_sum, rank_sum_published
from featurelens.stats.welch import ratio

PUBLISHED_ALPHA = 0.05
PUBLISHED_FIGURE_ALPHA = 0.01


@dataclass(frozen=True)
class GeneStatistics:
    """Statistics of genes per feature, (n_features, n_genes), and the sizes behind them."""

    features: tuple[str, ...]
    n_low: NDArray[np.int64]
    log2_fold: NDArray
    t: NDArray
    q: NDArray

    def relabelled(self, order: NDArray[np.integer]) -> "GeneStatistics":
        """Gene i takes the statistics of gene ``order[i]``."""
        moved = {name: getattr(self, name)[:, order] for name in ("log2_fold", "t", "q")}
        return replace(self, **moved)

    def pieces(self, size: int) -> Iterator["GeneStatistics"]:
        """The same for ``size`` features at a time."""
        for start in range(0, len(self.features), size):
            rows = slice(start, start + size)
            yield GeneStatistics(*(getattr(self, f)[rows] for f in self.__dataclass_fields__))


@dataclass(frozen=True)
class TermTests:
    """Tests of terms, (n_features, n_terms); what a convention does not compute is NaN.

    ``n_selected`` counts selected genes of the direction tested. ``share`` (n_terms,) is the share
    of the universe's genes that the term holds. ``higher`` is over-representation (published) or
    higher t (corrected). ``log_p_hits`` is the natural logarithm of the binomial (published) or
    hypergeometric p. ``score`` is the mean t of the term's genes minus the mean t of the other
    mapped genes (corrected).
    """

    features: tuple[str, ...]
    n_low: NDArray[np.int64]
    share: Floats
    n_hits: NDArray[np.int32]
    n_selected: NDArray[np.int32]
    higher: NDArray[np.bool_]
    log_p_hits: Floats
    p_mannwhitney: Floats
    z_mannwhitney: Floats
    effect: Floats
    score: Floats

    @property
    def p_hits(self) -> Floats:
        """The binomial or hypergeometric p; 0 where it underflows."""
        return np.exp(self.log_p_hits)

    @property
    def expected(self) -> Floats:
        """Hits expected by chance."""
        return self.n_selected * self.share

    @property
    def fold(self) -> Floats:
        """Hits over hits expected; NaN where none is expected."""
        return welch.ratio(self.n_hits.astype(float), self.expected)

    def rows(self, chunk: slice) -> "TermTests":
        """The same for some of the features."""
        kept = {name: getattr(self, name)[chunk] for name in self.__dataclass_fields__}
        return TermTests(**kept | {"share": self.share})


def join_tests(parts: Iterable[TermTests]) -> TermTests:
    """Tests of all features from those of some; at least one part.

    Arrays grow where they are, so that parts that are made as they are asked for are held one at a
    time: kept until the last, they would leave as much again in the process when they are gone.
    """
    rest = iter(parts)
    first = next(rest)
    features = list(first.features)
    joined = {
        name: np.array(getattr(first, name), order="C")
        for name in TermTests.__dataclass_fields__
        if name not in ("features", "share")
    }
    for part in rest:
        before = len(features)
        features += part.features
        for name, values in joined.items():
            values.resize((len(features), *values.shape[1:]), refcheck=False)
            values[before:] = getattr(part, name)
    return TermTests(features=tuple(features), share=first.share, **joined)


@dataclass(frozen=True)
class GeneTables:
    """Gene statistics in a file of ``write_feature_tables``, read anew by every iteration."""

    path: Path
    membership: Membership

    def __iter__(self) -> Iterator[GeneStatistics]:
        columns = ["feature", "gene", "log2_fold", "t", "q", "n_low"]
        for table in iter_feature_tables(self.path, columns):
            yield gene_statistics(table, self.membership)


def gene_statistics(dge: pd.DataFrame, membership: Membership) -> GeneStatistics:
    """Matrices from the long table of ``dge.test_expression``, genes in the membership's order.

    Raises
    ------
    InputError
        If the table's genes are not the membership's, or a feature lacks some of them.
    """
    gene = pd.Categorical(dge["gene"])
    place = pd.Index(membership.genes).get_indexer(gene.categories)[gene.codes]
    n_genes, n_rows = len(membership.genes), len(dge)
    expected = np.arange(n_genes)
    order = None
    if n_rows % n_genes or (place.reshape(-1, n_genes) != expected).any():
        if n_rows % n_genes or (np.sort(place.reshape(-1, n_genes), axis=1) != expected).any():
            raise InputError(
                f"the expression table does not hold each of {n_genes} genes once per feature; "
                "make the gene sets' membership from the genes of the same data"
            )
        order = np.argsort(place.reshape(-1, n_genes), axis=1)

    def matrix(name: str) -> NDArray:
        values = dge[name].to_numpy().reshape(-1, n_genes)
        return values if order is None else np.take_along_axis(values, order, axis=1)

    first = dge.iloc[::n_genes]
    return GeneStatistics(
        features=tuple(first["feature"].astype(str)),
        n_low=first["n_low"].to_numpy(),
        log2_fold=matrix("log2_fold"),
        t=matrix("t"),
        q=matrix("q"),
    )


def test_terms_published(
    genes: GeneStatistics, membership: Membership, *, deg_p: float, fold: float
) -> TermTests:
    """Binomial and Mann-Whitney tests as published (``02_automated_geneset_analysis_faster.py``).

    Selected genes have q < ``deg_p`` and a fold change beyond ``fold`` either way; q < 0.05 where
    no gene reaches ``deg_p``, and any fold where none exceeds ``fold``. Up and down count
    together, against all genes of the data. ``effect`` is U / (n_s n_t) of the author's U: above
    one half the term's genes have LOWER fold changes.
    """
    selected = _selected_published(genes, deg_p=deg_p, log2_bound=np.log2(fold))
    size, n_genes = membership.sizes.astype(float), len(membership.genes)
    n_hits = _total(selected, membership.matrix)
    n_selected = np.broadcast_to(selected.sum(axis=1, keepdims=True), n_hits.shape)
    # Ascending folds, ties in gene order, NaN (0 / 0) last: pandas' order, as in the author's code.
    order = np.argsort(genes.log2_fold, axis=1, kind="stable")
    ranks = np.empty(order.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, n_genes + 1)[None, :], axis=1)
    ranked = rank_sum_published(_total(ranks, membership.matrix), size, n_genes)
    return TermTests(
        features=genes.features,
        n_low=genes.n_low,
        share=size / n_genes,
        n_hits=n_hits.astype(np.int32),
        n_selected=n_selected.astype(np.int32),
        higher=n_hits > n_selected * size / n_genes,
        log_p_hits=log_binomial_two_sided(n_hits, n_selected, size / n_genes),
        p_mannwhitney=ranked.p,
        z_mannwhitney=ranked.z,
        effect=ranked.effect,
        score=np.full(n_hits.shape, np.nan),
    )


def test_terms_corrected(
    genes: GeneStatistics,
    membership: Membership,
    *,
    deg_p: float,
    fold: float,
    hits: bool = True,  # noqa: PT028  (not a test)
) -> TermTests:
    """Rank-sum test of t, and over-representation among up or down genes, on mapped genes.

    Only genes that stand in some set of the collection are compared, and of them those with a t.
    Mann-Whitney is two-sided. ``effect`` is the probability that a gene of the term has a higher t
    than another one: above one half is direction ``up``. Hits and the one-sided hypergeometric p
    count the selected genes (q < ``deg_p``, fold at least ``fold``) of that same direction only;
    with ``hits`` false they are left out (0 and NaN), which permutations do not need.
    """
    t = genes.t[:, membership.in_universe].astype(np.float64)
    terms = membership.matrix[:, membership.in_universe].astype(np.float64)
    ranks, ties = rank_rows(t)
    known = ~np.isnan(t)
    n_all = known.sum(axis=1, keepdims=True).astype(float)
    n_in = membership.sizes.astype(float)
    if not known.all():
        n_in = _total(known, terms)
        t, ranks = np.where(known, t, 0.0), np.where(known, ranks, 0.0)
    ranked = rank_sum(_total(ranks, terms), n_in, n_all, ties[:, None])
    t_in, t_all = _total(t, terms), t.sum(axis=1, keepdims=True)
    higher = np.nan_to_num(ranked.effect, nan=0.5) >= 0.5
    n_hits, n_selected = np.zeros((2, *higher.shape), dtype=np.int32)
    size, n_universe = membership.sizes.astype(float), membership.n_universe
    log_p_hits = np.full(higher.shape, np.nan)
    if hits:
        chosen = [
            (genes.q < deg_p) & (sign * genes.log2_fold >= np.log2(fold)) & membership.in_universe
            for sign in (1, -1)
        ]
        n_hits[:] = np.where(
            higher, *(_total(up_or_down, membership.matrix) for up_or_down in chosen)
        )
        n_selected[:] = np.where(
            higher, *(up_or_down.sum(axis=1, keepdims=True) for up_or_down in chosen)
        )
        log_p_hits = log_hypergeometric(n_hits, n_universe, size, n_selected)
    return TermTests(
        features=genes.features,
        n_low=genes.n_low,
        share=size / n_universe,
        n_hits=n_hits,
        n_selected=n_selected,
        higher=higher,
        log_p_hits=log_p_hits,
        p_mannwhitney=ranked.p,
        z_mannwhitney=ranked.z,
        effect=ranked.effect,
        score=ratio(t_in, n_in) - ratio(t_all - t_in, n_all - n_in),
    )


for _function in (test_terms_published, test_terms_corrected):
    _function.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect them


def kept_published(tests: TermTests) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both published filters: both tests at .05, and the figures' stricter one."""
    both = (tests.p_hits < PUBLISHED_ALPHA) & (tests.p_mannwhitney < PUBLISHED_ALPHA)
    return both, both & (tests.n_hits >= 1) & (tests.p_mannwhitney <= PUBLISHED_FIGURE_ALPHA)


def _selected_published(
    genes: GeneStatistics, *, deg_p: float, log2_bound: float
) -> NDArray[np.bool_]:
    lowest = genes.q.min(axis=1, keepdims=True, initial=1.0)
    bound = np.where(lowest > deg_p, PUBLISHED_ALPHA, deg_p)
    highest = np.where(np.isnan(genes.log2_fold), -np.inf, genes.log2_fold).max(
        axis=1, keepdims=True, initial=-np.inf
    )
    beyond = (genes.log2_fold > log2_bound) | (genes.log2_fold < -log2_bound)
    return (genes.q < bound) & (beyond | (highest < log2_bound))


def _total(values: NDArray, terms: sparse.csr_matrix) -> Floats:
    """Sum of a (n_features, n_genes) quantity over the genes of every term."""
    return np.asarray((terms @ values.T.astype(np.float64)).T)
