"""Four nulls through the code of the real features, and what each of their draws annotates.

``complete``: activations change places over all cells, within batch. Whatever a feature carries
there it carries by chance, or because genes move together. ``beyond_type``: they change places
within cell type and batch, so that a feature keeps what it knows of types and loses the rest.
``genes``: genes exchange their statistics; a check of the software, since genes that no longer
move together are what tests over genes assume. ``singly``: every gene is permuted over the cells by
itself while loud genes' share of a cell stays, so that features carry what composition alone gives
(``dge.singly``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike, NDArray

from featurelens.conventions import Convention
from featurelens.datasets.unknown_types import alone_if_unknown
from featurelens.dge.cell_sets import CellSets
from featurelens.dge.config import Contrast, DgeConfig
from featurelens.dge.gene_tests import test_genes, test_statistics
from featurelens.dge.layout import PreparedExpression
from featurelens.dge.matching import MatchedSets
from featurelens.dge.singly import permute_singly
from featurelens.enrichment.config import FILTERS, EnrichmentConfig, Filter, NullName
from featurelens.enrichment.exchange import NULL_NAMES, NULLS, Cells
from featurelens.enrichment.filters import combine, declare, is_far, kept_fdr, run_tests
from featurelens.enrichment.term_tests import (
    PUBLISHED_ALPHA,
    GeneStatistics,
    TermTests,
    kept_published,
)
from featurelens.genesets.sets import Membership
from featurelens.means import ALONE, Means
from featurelens.progress import Progress
from featurelens.threads import in_threads

CHUNK = 512
"""Features whose genes are tested at once; bounds memory, changes no result."""

PIECE = 64
"""Features whose terms are tested at once, by one thread."""

Statistics = Iterable[GeneStatistics]
"""Gene statistics of all features, some at a time, in their order; can be read again."""


@dataclass(frozen=True)
class Draw:
    """One permutation's tests of all features, no more than decisions need.

    Matrices are (n_features, n_terms). ``p_mannwhitney`` is float16, within one part in 2,000; what
    is below 6e-8 becomes 0, but the calibrated p that it is combined with is larger. ``kept`` says
    what each published filter keeps. ``p05`` is the share of p_mannwhitney below .05, before
    rounding.
    """

    score: NDArray[np.float32]
    p_mannwhitney: NDArray[np.float16]
    higher: NDArray[np.bool_]
    far: NDArray[np.bool_]
    kept: dict[Filter, NDArray[np.bool_]]
    p05: float = np.nan


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Everything that one annotation of an SAE's features is made from.

    Parameters
    ----------
    statistics
        Of the membership's genes for all tested features, in the same convention and contrast;
        read once for the features, and once for each permutation of genes.
    cells
        The same features' sets, for permutations of cells; None where there are to be none.
    n_live
        Features active in at least one cell, which shares are taken of.
    means
        With what: features or genes that are worked on at once, and who is told what the nulls
        say. Where sums over cells are made, the prepared expression of ``cells`` says.
    """

    statistics: Statistics
    membership: Membership
    cells: Cells | None
    n_live: int
    dge_config: DgeConfig
    config: EnrichmentConfig
    convention: Convention
    contrast: Contrast = "global"
    means: Means = ALONE

    @property
    def nulls(self) -> tuple[NullName, ...]:
        """The nulls to be drawn; the first calibrates p."""
        if not self.config.n_permutations:
            return ()
        first, *others = NULLS[self.contrast]
        return (first, *(name for name in others if name in self.config.nulls))

    def test(self, genes: GeneStatistics, *, hits: bool = True) -> TermTests:
        """Tests of terms in some features."""
        return run_tests(
            genes, self.membership, config=self.config, convention=self.convention, hits=hits
        )

    def draws(self, name: NullName, n_features: int) -> Iterator[Draw]:
        """The tests of every permutation of a null."""
        is_first = name == NULLS[self.contrast][0]
        n = self.config.n_permutations if is_first else self.config.n_control_permutations
        seed = (self.config.seed, NULL_NAMES.index(name))
        progress = Progress(self.means.log, n * n_features, "features", "")
        if name == "singly":
            made = (self._singly((*seed, number)) for number in range(n))
        else:
            made = (self._permuted(name, o) for o in orders(self._labels(name), n, seed=seed))
        for number, statistics in enumerate(made, start=1):
            progress.what = f"null {name}, permutation {number} of {n}"
            yield self._draw(statistics, n_features, progress)

    def on_counts(self, n_features: int) -> Draw | None:
        """The tests of the features themselves on counts, where a model decoded the expression."""
        if self.cells is None or self.cells.measured is None:
            return None
        return self._draw(self._tested(self.cells.sets, self.cells.measured()), n_features)

    def unpermuted(self) -> Draw:
        """The tests of the features themselves, as those of a permutation are made."""
        cells = self._cells()
        return self._draw(self._tested(cells.sets, cells.expression()), len(cells.sets.columns))

    def _labels(self, name: NullName) -> NDArray:
        """What permutations keep: batches, types within batches, or nothing of the genes."""
        if name == "genes":
            return np.zeros(len(self.membership.genes), dtype=np.int64)
        cells = self._cells()
        batch = np.unique(np.asarray(cells.batch, dtype=str), return_inverse=True)[1]
        if name == "complete":
            return batch
        types, kind = np.unique(np.asarray(cells.cell_type, dtype=str), return_inverse=True)
        return alone_if_unknown(batch * len(types) + kind, cells.cell_type)

    def _cells(self) -> Cells:
        if self.cells is None:
            raise ValueError("permutations of cells need the cells of the experiment")
        return self.cells

    def _permuted(self, name: NullName, order: NDArray[np.int64]) -> Iterator[GeneStatistics]:
        if name == "genes":
            yield from (part.relabelled(order) for part in self.statistics)
            return
        yield from self._tested(*self._cells().permuted(name, order))

    def _singly(self, seed: tuple[int, ...]) -> Iterator[GeneStatistics]:
        """Genes permuted within what the contrast compares: batch, or type and batch."""
        cells = self._cells()
        expression = permute_singly(
            cells.expression(),
            self._labels(NULLS[self.contrast][0]),
            min_cells=self.dge_config.min_cells,
            seed=seed,
        )
        yield from self._tested(cells.sets, expression)

    def _tested(
        self, sets: CellSets | MatchedSets, expression: PreparedExpression
    ) -> Iterator[GeneStatistics]:
        for start in range(0, len(sets.columns), CHUNK):
            yield self._gene_statistics(sets.rows(slice(start, start + CHUNK)), expression)

    def _gene_statistics(
        self, sets: CellSets | MatchedSets, prepared: PreparedExpression
    ) -> GeneStatistics:
        """Statistics of permuted cells, as far as tests of terms look at them.

        The corrected ones see nothing but t, the published ones whether q is below their bounds.
        """
        names = tuple(str(column) for column in sets.columns)
        if self.convention == "corrected":
            composition = self.dge_config.composition
            t = test_statistics(sets, prepared, composition=composition, threads=self.means.threads)
            unknown = np.broadcast_to(np.nan, t.shape)
            return GeneStatistics(names, sets.n_low, unknown, t, unknown)
        tests = test_genes(
            sets,
            prepared,
            config=self.dge_config,
            convention=self.convention,
            below=max(self.config.deg_p, PUBLISHED_ALPHA),
            threads=self.means.threads,
        )
        return GeneStatistics(names, sets.n_low, tests.log2_fold, tests.t, tests.q)

    def _draw(
        self,
        statistics: Iterable[GeneStatistics],
        n_features: int,
        progress: Progress | None = None,
    ) -> Draw:
        """Test all terms in gene statistics of one permutation."""
        shape = (n_features, len(self.membership.terms))
        drawn = Draw(
            score=np.empty(shape, np.float32),
            p_mannwhitney=np.empty(shape, np.float16),
            higher=np.empty(shape, bool),
            far=np.empty(shape, bool),
            kept={name: np.zeros(shape, bool) for name in FILTERS[self.convention]},
        )
        n_below = n_known = first = 0
        test = partial(self.test, hits=False)
        pieces = (in_threads(test, part.pieces(PIECE), self.means.threads) for part in statistics)
        for tests in chain.from_iterable(pieces):
            rows = slice(first, first + len(tests.features))
            first = rows.stop
            drawn.score[rows] = tests.score
            drawn.p_mannwhitney[rows] = tests.p_mannwhitney
            drawn.higher[rows] = tests.higher
            drawn.far[rows] = is_far(tests.effect, self.config)
            n_below += int((tests.p_mannwhitney < 0.05).sum())
            n_known += int((~np.isnan(tests.p_mannwhitney)).sum())
            if self.convention == "published":
                for name, kept in zip(drawn.kept, kept_published(tests), strict=True):
                    drawn.kept[name][rows] = kept
            if progress is not None:
                progress.advance(len(tests.features))
        return replace(drawn, p05=n_below / n_known if n_known else np.nan)


def orders(labels: ArrayLike, n: int, *, seed: tuple[int, ...]) -> Iterator[NDArray[np.int64]]:
    """``n`` orders of things in which each keeps its label's places."""
    rng = np.random.default_rng(seed)
    _, codes = np.unique(np.asarray(labels), return_inverse=True)
    places = [np.flatnonzero(codes == code) for code in range(codes.max(initial=-1) + 1)]
    for _ in range(n):
        order = np.arange(len(codes))
        for members in places:
            order[members] = rng.permutation(members)
        yield order


def describe_draw(
    drawn: Draw,
    calibrated: tuple[NDArray, NDArray[np.bool_]] | None,
    n_live: int,
    *,
    config: EnrichmentConfig,
    convention: Convention,
) -> list[dict[str, object]]:
    """What one permutation annotates: one row per filter, see :data:`.summary.NULL_COLUMNS`.

    ``calibrated`` is what :class:`Calibration` gives for the draw's scores (corrected only).
    """
    kept = dict(drawn.kept)
    p05_calibrated = np.nan
    if convention == "corrected":
        p = drawn.p_mannwhitney.astype(np.float64)
        if calibrated is not None:
            p_cells, above = calibrated
            p = combine(p, p_cells, above == drawn.higher)
            p05_calibrated = share_below(p_cells, 0.05)
        _, q = declare(p, alpha=config.alpha)
        kept = {"kept_fdr": kept_fdr(q, drawn.far, config)}
    rates = {"p05_mannwhitney": drawn.p05, "p05_calibrated": p05_calibrated}
    return [
        {"filter": name, **_count(terms.sum(axis=1), n_live), **rates}
        for name, terms in kept.items()
    ]


def share_below(p: NDArray, bound: float) -> float:
    """Share of the known p below a bound.

    Examples
    --------
    >>> share_below(np.array([0.01, 0.2, np.nan]), 0.05)
    0.5
    """
    n_known = int((~np.isnan(p)).sum())
    return float((p < bound).sum() / n_known) if n_known else np.nan


def _count(per_feature: NDArray, n_live: int) -> dict[str, float]:
    annotated = per_feature[per_feature > 0]
    return {
        "n_features": n_live,
        "n_annotated": len(annotated),
        "share": len(annotated) / n_live if n_live else np.nan,
        "terms_per_feature": annotated.mean() if len(annotated) else np.nan,
    }
