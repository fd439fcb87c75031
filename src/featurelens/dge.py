"""Differential expression between the high and the low cells of every feature (paper 5.3).

Welch's t for all genes and features at once: group sums are products of a sparse features x cells
indicator with the dense cells x genes expression, so a feature costs microseconds per gene.
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


def test_expression(
    activations: sparse.spmatrix,
    expression: NDArray,
    genes: Sequence[str],
    *,
    config: DgeConfig,
    convention: Convention,
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
    tests = test_genes(sets, expression, config=config, convention=convention)
    if log is not None:
        log(describe_sizes(group_sizes(activations, config=config, convention=convention)))
        log(f"{tests.n_default} of {tests.p.size} p could not be computed and were set to 1")
        log(f"{int(np.isnan(tests.p).sum())} of {tests.p.size} p could not be computed and are NaN")
    return _long_table(sets, tests, genes)


test_expression.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


def test_genes(
    sets: CellSets, expression: NDArray, *, config: DgeConfig, convention: Convention
) -> GeneTests:
    """Welch's t, ratio of means and Benjamini-Hochberg q for all genes of the given features.

    published (``DEG_analysis_unpaired``): no pseudocount; p = 1 where a set has no variance or
    fewer than two cells, counted in ``n_default``. corrected: such statistics are NaN and leave
    the correction.
    """
    high, low = _moments(sets, expression)
    test = stats.welch(high, low)
    p, undefined = test.p, np.isnan(test.p)
    if convention == "published":
        undefined = undefined | (high.variance == 0) | (low.variance == 0)
        p = np.where(undefined, 1.0, p)
    return GeneTests(
        log2_fold=_log2_ratio(
            high.mean, low.mean, config.pseudocount if convention == "corrected" else 0.0
        ),
        t=test.t,
        df=test.df,
        p=p,
        q=stats.bh(p, axis=1),
        n_default=int(undefined.sum()) if convention == "published" else 0,
    )


test_genes.__test__ = False  # type: ignore[attr-defined]


def _moments(sets: CellSets, expression: NDArray) -> tuple[stats.Moments, stats.Moments]:
    """Size, mean and variance of every gene in the high and in the low cells of every feature."""
    centre = expression.mean(axis=0, dtype=np.float64)
    centred = expression - centre
    squares = centred**2
    # Low sets that are complements are totals minus the rest: what rounding leaves of a variance
    # that is zero grows with the totals, not with the low set.
    resolution = 1e-13 * squares.sum(axis=0)
    low_sum, low_squares = (
        np.where(sets.complement[:, None], values.sum(axis=0) - part, part)
        for values, part in ((x, sets.reference @ x) for x in (centred, squares))
    )
    groups = (
        (sets.n_high, sets.high @ centred, sets.high @ squares),
        (sets.n_low, low_sum, low_squares),
    )
    high, low = (
        stats.moments(n[:, None], total, total_squares, resolution=resolution)
        for n, total, total_squares in groups
    )
    return _uncentred(high, centre), _uncentred(low, centre)


def _uncentred(moments: stats.Moments, centre: Floats) -> stats.Moments:
    """Means on the original scale; one that is zero but for rounding is zero."""
    mean = moments.mean + centre
    mean = np.where(np.abs(mean) < 1e-12 * centre, 0.0, mean)
    return stats.Moments(n=moments.n, mean=mean, variance=moments.variance)


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
