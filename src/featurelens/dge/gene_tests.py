"""Welch's t of all genes between the high and the low cells of given features (paper 5.3).

Group sums over expression that was laid out for them (``prepared``) cost microseconds per feature
and gene. Two contrasts differ in the low cells: any, or those of the high cells' own strata
(``matching``). Two conventions differ in the pseudocount, and in what happens to a statistic that
cannot be computed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from featurelens.conventions import Composition, Convention
from featurelens.dge.cell_sets import CellSets
from featurelens.dge.config import DgeConfig
from featurelens.dge.layout import PreparedExpression
from featurelens.dge.matching import MatchedSets, over_strata
from featurelens.stats import welch
from featurelens.stats.arrays import Floats
from featurelens.stats.composition import closure_factors
from featurelens.stats.multiple import bh
from featurelens.stats.welch import t_of_difference, t_statistic
from featurelens.threads import in_threads

_ADJUSTED = 64
"""Features whose p are adjusted at once."""
_ESTIMATED = 512
"""Features whose means and errors are held at once; bounds memory, changes no result."""


@dataclass(frozen=True)
class GeneTests:
    """Statistics of (n_tested features, n_genes), high against low cells.

    ``n_default`` counts statistics that could not be computed and were set to p = 1, which only
    the published convention does, and on counts not even that. ``factor`` (n_tested, 1) is what the
    high cells were multiplied by for composition; 1 where shares are compared as they are.
    """

    log2_fold: Floats
    t: Floats
    df: Floats
    p: Floats
    q: Floats
    n_default: int
    factor: Floats

    def rows(self, chunk: slice) -> "GeneTests":
        """The same for some of the features; ``n_default`` stays that of all."""
        parts = ("log2_fold", "t", "df", "p", "q", "factor")
        return replace(self, **{name: getattr(self, name)[chunk] for name in parts})

    @property
    def log10_p(self) -> Floats:
        """Base-10 logarithm of p, finite also where p underflows to zero."""
        known = self.p > 1e-200
        logarithm = np.log10(self.p, out=np.full(self.p.shape, np.nan), where=known)
        tiny = self.p <= 1e-200
        with np.errstate(divide="ignore"):  # p = 0 where t is infinite
            logarithm[tiny] = welch.log_t_p(self.t[tiny], self.df[tiny]) / np.log(10)
        return logarithm


def test_genes(
    sets: CellSets | MatchedSets,
    prepared: PreparedExpression,
    *,
    config: DgeConfig,
    convention: Convention,
    below: float = 1.0,  # noqa: PT028  (not a test)
    threads: int = 1,  # noqa: PT028
) -> GeneTests:
    """Welch's t, ratio of means and Benjamini-Hochberg q for all genes of the given features.

    published (``DEG_analysis_unpaired``): no pseudocount; p = 1 where a set has no variance or
    fewer than two cells, counted in ``n_default``. On counts (``prepared.guarded`` false) his
    script for Geneformer asks neither: p is what scipy makes of such genes, and where it is NaN for
    one gene, which is constant in both sets, his Benjamini-Hochberg q is NaN for every gene of the
    feature. corrected: such statistics are NaN and leave the correction.

    corrected, ``composition: typical_gene``: mean and error of the high cells are first multiplied
    by the factor that leaves the typical gene unchanged (:mod:`featurelens.stats.composition`),
    one of each feature and contrast.

    Within strata, high and low mean are means of the strata's means, weighted by their high cells;
    the error of the first rests on the variance within strata, pooled, that of the second is the
    sum of w^2 v / n over strata.

    corrected: where expression was decoded, the decoder's error about the counts
    (``prepared.noise``) is part of every variance: noise-free, no difference would be too small.

    Parameters
    ----------
    sets
        Of any features, for example ``sets.rows(slice(0, 512))``: memory grows with their number.
    prepared
        Of :func:`featurelens.dge.layout.prepare_expression`; for matched sets ``.by(sets.strata)``.
    below
        Larger p and q need not be known: q up to this number, and p too, are exact, others are
        larger than it.
    threads
        Blocks of genes worked on at once; changes no result.
    """
    shape = (len(sets.columns), prepared.n_genes)
    log2_fold, t, df, p, q = (np.empty(shape) for _ in range(5))
    corrected = convention == "corrected"
    pseudocount = config.pseudocount if corrected else 0.0
    factor = np.ones((shape[0], 1))
    composition = config.composition if corrected else "raw"
    prepared = prepared if corrected else replace(prepared, noise=None)

    def test_part(rows: slice, genes: slice, high: welch.Estimate, low: welch.Estimate) -> int:
        here = (rows, genes)
        test = t_of_difference(high, low, below=below)
        t[here], df[here], p[here] = test.t, test.df, test.p
        log2_fold[here] = _log2_ratio(high.mean, low.mean, pseudocount)
        if corrected:
            return 0
        if not prepared.guarded:
            differ = (high.error == 0) & (low.error == 0) & (high.mean != low.mean)
            t[here][differ] = np.copysign(np.inf, (high.mean - low.mean)[differ])
            df[here][differ], p[here][differ] = 1, 0
            return 0
        undefined = np.isnan(test.p) | (high.error == 0) | (low.error == 0)
        p[here][undefined] = 1.0
        return int(undefined.sum())

    def adjust(start: int) -> None:
        rows = slice(start, start + _ADJUSTED)
        q[rows] = bh(p[rows], axis=1)
        if not (corrected or prepared.guarded):
            q[rows][np.isnan(p[rows]).any(axis=1)] = np.nan

    n_default = sum(_compared(test_part, sets, prepared, composition, threads, factor))
    for _ in in_threads(adjust, range(0, shape[0], _ADJUSTED), threads):
        pass
    return GeneTests(log2_fold=log2_fold, t=t, df=df, p=p, q=q, n_default=n_default, factor=factor)


test_genes.__test__ = False  # type: ignore[attr-defined]


def test_statistics(
    sets: CellSets | MatchedSets,
    prepared: PreparedExpression,
    *,
    composition: Composition,
    threads: int = 1,  # noqa: PT028  (not a test)
) -> Floats:
    """The t of :func:`test_genes` alone, (n_tested features, n_genes): what permutations need."""
    t = np.empty((len(sets.columns), prepared.n_genes))
    factor = np.ones((len(t), 1))

    def fill(rows: slice, genes: slice, high: welch.Estimate, low: welch.Estimate) -> None:
        t[rows, genes] = t_statistic(high, low)

    for _ in _compared(fill, sets, prepared, composition, threads, factor):
        pass
    return t


test_statistics.__test__ = False  # type: ignore[attr-defined]


def group_moments(
    sets: CellSets, prepared: PreparedExpression, *, threads: int = 1
) -> tuple[welch.Moments, welch.Moments]:
    """Size, mean and variance of every gene, (n_tested, n_genes), in the high and the low cells."""
    moments = _moments(sets, np.zeros(len(sets.columns), np.int64), prepared)
    parts = list(in_threads(moments, range(len(prepared.blocks)), threads))
    high, low = (
        welch.Moments(
            n=parts[0][side].n,
            mean=np.concatenate([part[side].mean for part in parts], axis=1),
            variance=np.concatenate([part[side].variance for part in parts], axis=1),
        )
        for side in (1, 2)
    )
    return high, low


Compare = Callable[[int], tuple[slice, welch.Estimate, welch.Estimate]]
Part = TypeVar("Part")


def _compared(
    work: Callable[[slice, slice, welch.Estimate, welch.Estimate], Part],
    sets: CellSets | MatchedSets,
    prepared: PreparedExpression,
    composition: Composition,
    threads: int,
    factor: Floats,
) -> Iterator[Part]:
    """What ``work`` makes of some features, some genes, and their means in high and low cells.

    ``factor`` (n_tested, 1) is filled with what the high cells are multiplied by, if anything.
    """
    for start in range(0, len(sets.columns), _ESTIMATED):
        rows = slice(start, min(start + _ESTIMATED, len(sets.columns)))
        compare = _comparison(sets.rows(rows), prepared)
        parts = list(in_threads(compare, range(len(prepared.blocks)), threads))
        if composition == "typical_gene":
            means = [np.concatenate([part[side].mean for part in parts], axis=1) for side in (1, 2)]
            factor[rows] = closure_factors(*means, threads=threads)
        yield from in_threads(partial(_with_factor, work, rows, factor[rows]), parts, threads)


def _with_factor(
    work: Callable[[slice, slice, welch.Estimate, welch.Estimate], Part],
    rows: slice,
    factor: Floats,
    part: tuple[slice, welch.Estimate, welch.Estimate],
) -> Part:
    genes, high, low = part
    scaled = welch.Estimate(high.mean * factor, high.error * factor**2, high.df)
    return work(rows, genes, scaled, low)


def _comparison(sets: CellSets | MatchedSets, prepared: PreparedExpression) -> Compare:
    """A function from a block to its genes and the means of the high and of the low cells."""
    if isinstance(sets, CellSets):
        n_groups, moments = 1, _moments(sets, np.zeros(len(sets.columns), np.int64), prepared)
    else:
        n_groups, moments = (
            int(sets.strata.max(initial=-1)) + 1,
            _moments(sets.parts, sets.stratum, prepared),
        )
    if len(prepared.population.bounds) != n_groups + 1:
        raise ValueError("prepare the expression by the strata that the sets are matched in")

    def compare(block: int) -> tuple[slice, welch.Estimate, welch.Estimate]:
        genes, high, low = moments(block)
        if prepared.noise is not None:
            noise = prepared.noise[block, : genes.stop - genes.start]
            high, low = (replace(side, variance=side.variance + noise) for side in (high, low))
        if isinstance(sets, MatchedSets):
            return genes, *over_strata(sets, high, low)
        return genes, welch.estimate(high), welch.estimate(low)

    return compare


def _moments(
    sets: CellSets, group: NDArray[np.int64], prepared: PreparedExpression
) -> Callable[[int], tuple[slice, welch.Moments, welch.Moments]]:
    """A function from a block to its genes and their moments in the high and the low cells."""
    if prepared.device != "cpu":
        from featurelens.dge.device_moments import moments_on_device

        return moments_on_device(sets, group, prepared)
    from featurelens.dge import group_kernels

    first, second = (
        (part.indptr.astype(np.int64), part.indices.astype(np.int32))
        for part in (sets.high, sets.other)
    )
    n_low = sets.n_low.astype(np.int64)
    n = np.stack([np.diff(first[0]), n_low]).astype(np.float64)[:, :, None]
    population, width = prepared.population, prepared.blocks.shape[2]

    def moments(block: int) -> tuple[slice, welch.Moments, welch.Moments]:
        means, spreads = np.empty((2, 2, len(n_low), width))
        values, origin, *sums = prepared.block(block)
        group_kernels.row_moments(
            values,
            (population.bounds, population.cells, *sums),
            first,
            second,
            sets.complement,
            n_low,
            group,
            means,
            spreads,
        )
        genes = slice(block * width, min((block + 1) * width, prepared.n_genes))
        inside = slice(genes.stop - genes.start)
        means = (means + origin)[:, :, inside]
        variances = spreads[:, :, inside] / np.where(n > 1, n - 1, np.nan)
        high, low = (welch.Moments(n[side], means[side], variances[side]) for side in (0, 1))
        return genes, high, low

    return moments


def _log2_ratio(numerator: Floats, denominator: Floats, pseudocount: float) -> Floats:
    """Logarithm of a ratio of means: 0/0 is NaN, x/0 infinite, 0/x minus infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log2((numerator + pseudocount) / (denominator + pseudocount))
