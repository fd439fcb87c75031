"""Differential expression between the high and the low cells of every feature (paper 5.3).

Welch's t for all genes and features at once, from group sums over expression that was laid out for
them (``prepared``): a feature costs microseconds per gene.
Two conventions differ in who is high and low (``cell_sets``), in the pseudocount, and in
what happens to a statistic that cannot be computed (:func:`test_genes`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens import stats
from featurelens.cell_sets import CellSets, DgeConfig, describe_sizes, group_sizes, split_cells
from featurelens.conventions import Convention
from featurelens.io import InputError
from featurelens.prepared import PreparedExpression, in_threads, prepare_expression

__all__ = [
    "CellSets",
    "DgeConfig",
    "GeneTests",
    "describe_sizes",
    "group_sizes",
    "split_cells",
    "test_expression",
    "test_genes",
]

Floats = NDArray[np.float64]

_ADJUSTED = 64
"""Features whose p are adjusted at once."""


@dataclass(frozen=True)
class GeneTests:
    """Statistics of (n_tested features, n_genes), high against low cells.

    ``n_default`` counts statistics that could not be computed and were set to p = 1, which only
    the published convention does.
    """

    log2_fold: Floats
    t: Floats
    df: Floats
    p: Floats
    q: Floats
    n_default: int

    @property
    def log10_p(self) -> Floats:
        """Base-10 logarithm of p, finite also where p underflows to zero."""
        known = self.p > 1e-200
        logarithm = np.log10(self.p, out=np.full(self.p.shape, np.nan), where=known)
        tiny = self.p <= 1e-200
        logarithm[tiny] = stats.log_t_p(self.t[tiny], self.df[tiny]) / np.log(10)
        return logarithm


def test_expression(
    activations: sparse.spmatrix,
    expression: NDArray,
    genes: Sequence[str],
    *,
    config: DgeConfig,
    convention: Convention,
    threads: int = 1,  # noqa: PT028  (not a test)
    log: Callable[[str], None] | None = None,  # noqa: PT028  (not a test)
) -> pd.DataFrame:
    """Test every gene between the high and low cells of every feature.

    Parameters
    ----------
    activations
        (n_cells, n_features), not negative.
    expression
        (n_cells, n_genes), not negative; mean or measured counts at one library size.
    genes
        Names of the genes.
    log
        Receives what was tested, what was not and why, and how many statistics were set to p = 1.

    Returns
    -------
    DataFrame
        One row per tested feature and gene: feature (its number, as text), gene, log2_fold (of
        the ratio of means), t, df, p, q (Benjamini-Hochberg over the genes of the feature),
        n_high, n_low, low_rule.
        Features that are not tested are absent; :func:`group_sizes` says which and why.

    Raises
    ------
    InputError
        If cells or genes do not match, or a value is negative or missing.
    """
    _check(activations, expression, genes)
    sets = split_cells(activations, config=config, convention=convention)
    prepared = prepare_expression(expression, threads=threads)
    tests = test_genes(sets, prepared, config=config, convention=convention, threads=threads)
    if log is not None:
        log(describe_sizes(group_sizes(activations, config=config, convention=convention)))
        log(f"{tests.n_default} of {tests.p.size} p could not be computed and were set to 1")
        log(f"{int(np.isnan(tests.p).sum())} of {tests.p.size} p could not be computed and are NaN")
    return _long_table(sets, tests, genes)


test_expression.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


def test_genes(
    sets: CellSets,
    prepared: PreparedExpression,
    *,
    config: DgeConfig,
    convention: Convention,
    threads: int = 1,  # noqa: PT028  (not a test)
) -> GeneTests:
    """Welch's t, ratio of means and Benjamini-Hochberg q for all genes of the given features.

    published (``DEG_analysis_unpaired``): no pseudocount; p = 1 where a set has no variance or
    fewer than two cells, counted in ``n_default``. corrected: such statistics are NaN and leave
    the correction.

    Parameters
    ----------
    sets
        Of any features, for example ``sets.rows(slice(0, 512))``: memory grows with their number.
    prepared
        Of :func:`featurelens.prepared.prepare_expression`.
    threads
        Blocks of genes worked on at once; changes no result.
    """
    shape = (len(sets.columns), prepared.n_genes)
    log2_fold, t, df, p, q = (np.empty(shape) for _ in range(5))
    pseudocount = config.pseudocount if convention == "corrected" else 0.0
    list_cells = _listed(sets)

    def test_block(block: int) -> int:
        genes, high, low = _moments(list_cells, prepared, block)
        test = stats.welch(high, low)
        t[:, genes], df[:, genes], p[:, genes] = test.t, test.df, test.p
        log2_fold[:, genes] = _log2_ratio(high.mean, low.mean, pseudocount)
        if convention == "corrected":
            return 0
        undefined = np.isnan(test.p) | (high.variance == 0) | (low.variance == 0)
        p[:, genes][undefined] = 1.0
        return int(undefined.sum())

    def adjust(start: int) -> None:
        rows = slice(start, start + _ADJUSTED)
        q[rows] = stats.bh(p[rows], axis=1)

    n_default = sum(in_threads(test_block, range(len(prepared.blocks)), threads))
    for _ in in_threads(adjust, range(0, shape[0], _ADJUSTED), threads):
        pass
    return GeneTests(log2_fold=log2_fold, t=t, df=df, p=p, q=q, n_default=n_default)


test_genes.__test__ = False  # type: ignore[attr-defined]


def _listed(sets: CellSets) -> tuple:
    """The sets as the kernels read them."""
    bounds = (part.indptr.astype(np.int64) for part in (sets.high, sets.other))
    cells = (part.indices.astype(np.int32) for part in (sets.high, sets.other))
    return *zip(bounds, cells, strict=True), sets.complement, sets.n_low.astype(np.int64)


def _moments(
    listed: tuple, prepared: PreparedExpression, block: int
) -> tuple[slice, stats.Moments, stats.Moments]:
    """Genes of a block, and their moments in the high and in the low cells of every feature."""
    from featurelens import group_kernels

    high, other, complement, n_low = listed
    everyone, values = prepared.everyone, prepared.blocks[block]
    totals = (everyone.centre[block], everyone.total[block], everyone.squares[block])
    n = np.stack([np.diff(high[0]), n_low]).astype(np.float64)[:, :, None]
    means, spreads = np.empty((2, 2, len(n_low), values.shape[1]))
    group_kernels.row_moments(
        values,
        (everyone.bounds, everyone.cells, *totals),
        high,
        other,
        complement,
        n_low,
        np.zeros(len(n_low), dtype=np.int64),
        means,
        spreads,
    )
    genes = slice(block * values.shape[1], min((block + 1) * values.shape[1], prepared.n_genes))
    width = genes.stop - genes.start
    means = (means + prepared.origin[block])[:, :, :width]
    variances = spreads[:, :, :width] / np.where(n > 1, n - 1, np.nan)
    first, second = (stats.Moments(n[side], means[side], variances[side]) for side in (0, 1))
    return genes, first, second


def _log2_ratio(numerator: Floats, denominator: Floats, pseudocount: float) -> Floats:
    """Logarithm of a ratio of means: 0/0 is NaN, x/0 infinite, 0/x minus infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log2((numerator + pseudocount) / (denominator + pseudocount))


def _long_table(sets: CellSets, tests: GeneTests, genes: Sequence[str]) -> pd.DataFrame:
    n_tested, n_genes = len(sets.columns), len(genes)
    tested = [str(column) for column in sets.columns]
    columns: dict[str, object] = {
        "feature": _labels(np.repeat(np.arange(n_tested), n_genes), tested),
        "gene": _labels(np.tile(np.arange(n_genes), n_tested), genes),
    }
    for name in ("log2_fold", "t", "df", "p", "q"):
        columns[name] = getattr(tests, name).ravel()
    columns["n_high"] = np.repeat(sets.n_high, n_genes)
    columns["n_low"] = np.repeat(sets.n_low, n_genes)
    columns["low_rule"] = pd.Categorical(np.repeat(sets.low_rule, n_genes), ["lowest", "zeros"])
    return pd.DataFrame(columns)


def _labels(codes: NDArray, categories: Sequence[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes.tolist(), categories=pd.Index(categories, dtype=object))


def _check(activations: sparse.spmatrix, expression: NDArray, genes: Sequence[str]) -> None:
    """Check shapes and values once, at the door."""
    if expression.shape != (activations.shape[0], len(genes)):
        raise InputError(
            f"expression is {expression.shape[0]} x {expression.shape[1]}, but there are "
            f"{activations.shape[0]} cells with activations and {len(genes)} gene names; "
            "give the same cells and genes"
        )
    if len(set(genes)) != len(genes):
        repeated = pd.Index(genes)[pd.Index(genes).duplicated()][0]
        raise InputError(
            f"gene {str(repeated)!r} occurs more than once; make the gene names unique"
        )
    for what, values in (("expression", expression), ("activations", activations.data)):
        if values.size and not np.min(values) >= 0:
            raise InputError(f"{what} hold negative or missing values; give counts or their means")
