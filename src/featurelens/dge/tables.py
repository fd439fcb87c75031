"""Tables of differential expression between high and low cells of every feature (paper 5.3).

Two conventions differ in who is high and low (``cell_sets``), in the pseudocount, and in what
happens to a statistic that cannot be computed; two contrasts in the low cells (``gene_tests``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.conventions import Convention
from featurelens.dge.cell_sets import LOW_RULES, CellSets, describe_sizes, split_features
from featurelens.dge.config import Contrast, DgeConfig
from featurelens.dge.gene_tests import GeneTests, test_genes
from featurelens.dge.layout import PreparedExpression, prepare_bundle, prepare_expression
from featurelens.dge.matching import MatchedSets, cell_strata, match_cells
from featurelens.genesets.sets import unique_symbols
from featurelens.io import InputError
from featurelens.means import ALONE, Means
from featurelens.progress import Progress

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


ROWS = 2_500_000
"""Rows of a table that are made at once; bounds memory, changes no result."""
TESTED = 512
"""Features that are tested at once, where a table holds fewer: every pass reads all expression."""


def test_expression(
    activations: sparse.spmatrix,
    expression: NDArray | PreparedExpression,
    genes: Sequence[str],
    *,
    config: DgeConfig,
    convention: Convention,
    contrast: Contrast = "global",  # noqa: PT028  (not a test)
    strata: NDArray | None = None,  # noqa: PT028
    means: Means = ALONE,  # noqa: PT028
) -> pd.DataFrame:
    """Test every gene between the high and low cells of every feature.

    Parameters
    ----------
    activations
        (n_cells, n_features), not negative.
    expression
        (n_cells, n_genes), not negative; mean or measured counts, at one library size (corrected)
        or each cell's own (published).
    genes
        Names of the genes.
    contrast, strata
        ``within_type`` compares within strata, a number for each cell
        (:func:`featurelens.dge.matching.cell_strata`); ``global`` needs none.
    means
        With what; its log receives what was tested, what was not and why, and how many statistics
        were set to p = 1.

    Returns
    -------
    DataFrame
        One row per tested feature and gene: feature (its number, as text), gene, log2_fold (of
        the ratio of means), t, df, p, log10_p (exact also where p underflows), q
        (Benjamini-Hochberg over the genes of the feature), n_high, n_low, n_unmatched (high cells
        left out within type), low_rule. Features that are not tested are absent;
        :func:`group_sizes` says which and why.

    Raises
    ------
    InputError
        If cells or genes do not match, or a value is negative or missing.
    """
    tables = iter_tests(
        activations,
        expression,
        genes,
        config=config,
        convention=convention,
        contrast=contrast,
        strata=strata,
        means=means,
    )
    return pd.concat(list(tables), ignore_index=True)


test_expression.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it


def iter_tests(
    activations: sparse.spmatrix,
    expression: NDArray | PreparedExpression,
    genes: Sequence[str],
    *,
    config: DgeConfig,
    convention: Convention,
    contrast: Contrast = "global",
    strata: NDArray | None = None,
    means: Means = ALONE,
) -> Iterator[pd.DataFrame]:
    """:func:`test_expression` for a few features at a time, at most :data:`ROWS` rows each.

    Yields
    ------
    DataFrame
        Tables of whole features, with the categories of the whole table; one without rows where
        no feature can be tested.
    """
    if isinstance(expression, PreparedExpression):
        shape = (expression.n_cells, expression.n_genes)
    else:
        shape = (expression.shape[0], expression.shape[1])
    _check(activations, shape, genes)
    precision = config.precision_of(shape)
    if not isinstance(expression, PreparedExpression):
        expression = prepare_expression(expression, precision=precision, threads=means.threads)
    sets: CellSets | MatchedSets
    sizes, sets = split_features(activations, config=config, convention=convention)
    means.log(describe_sizes(sizes))
    if contrast == "within_type":
        if convention == "published" or strata is None:
            raise ValueError("within_type is of the corrected convention and needs strata")
        sets = match_cells(sets, strata, config=config)
        means.log(sets.describe())
        expression = expression.by(sets.strata, threads=means.threads)
    n_tests = n_missing = n_default = n_emptied = 0
    factors = [np.empty((0, 1))]
    step = max(1, ROWS // max(len(genes), 1))
    at_once = step * max(1, TESTED // step)
    progress = Progress(means.log, len(sets.columns), "features", f"{contrast} tests of genes")
    for start in range(0, max(len(sets.columns), 1), at_once):
        part = sets.rows(slice(start, start + at_once))
        tests = test_genes(
            part, expression, config=config, convention=convention, threads=means.threads
        )
        n_tests, n_default = n_tests + tests.p.size, n_default + tests.n_default
        n_missing += int(np.isnan(tests.p).sum())
        n_emptied += int(np.isnan(tests.q).all(axis=1).sum())
        factors.append(tests.factor)
        for first in range(0, max(len(part.columns), 1), step):
            rows = slice(first, first + step)
            yield _long_table(
                part.rows(rows),
                tests.rows(rows),
                genes,
                sets.columns,
                start + first,
                np.dtype(precision),
            )
        progress.advance(len(part.columns))
    factor = np.concatenate(factors)
    if (factor != 1).any():
        means.log(
            f"composition: high cells were multiplied by {np.median(factor):.3g} in the median "
            f"feature, by {factor.min():.3g} to {factor.max():.3g} over all"
        )
    means.log(f"{n_default} of {n_tests} p could not be computed and were set to 1")
    means.log(f"{n_missing} of {n_tests} p could not be computed and are NaN")
    if n_emptied and not expression.guarded:
        means.log(
            f"published: {n_emptied} of {len(sets.columns)} features have a gene that is constant "
            "in both sets; as in the author's script no gene of them is significant"
        )


def iter_bundle_tests(
    bundle: Bundle,
    activations: sparse.csr_matrix,
    *,
    config: DgeConfig,
    convention: Convention,
    contrast: Contrast = "global",
    prepared: PreparedExpression | None = None,
    means: Means = ALONE,
) -> Iterator[pd.DataFrame]:
    """:func:`iter_tests` of a bundle's cells, whose expression is held once and never whole twice.

    Parameters
    ----------
    bundle
        Cells, embedding and decoder; expression is decoded or measured, as the config says.
    activations
        (n_cells, n_features) of the same cells.
    prepared
        Of :func:`featurelens.dge.layout.prepare_bundle`, of the same convention, for several tests
        of one bundle; made here by default.
    means
        With what; sums over cells are made on its device, unless ``prepared`` says another.
    """
    cells = bundle.cells
    return iter_tests(
        activations,
        prepared or prepare_bundle(bundle, config, convention=convention, means=means),
        unique_symbols(cells.var["symbol"]),
        config=config,
        convention=convention,
        contrast=contrast,
        strata=cell_strata(cells.obs) if contrast == "within_type" else None,
        means=means,
    )


def iter_bundle_ways(
    bundle: Bundle,
    activations: sparse.csr_matrix,
    tests: Sequence[str],
    *,
    config: DgeConfig,
    means: Means = ALONE,
) -> Iterator[Iterator[pd.DataFrame]]:
    """:func:`iter_bundle_tests` in several ways, of which one is to be read before the next.

    Parameters
    ----------
    tests
        Contrast and convention, such as ``global_corrected``. Expression is laid out once for all
        tests of a convention that stand side by side, and held for one convention at a time.
    """
    held: dict[str, PreparedExpression] = {}
    for test in tests:
        contrast, _, name = test.rpartition("_")
        convention = cast(Convention, name)
        if convention not in held:
            held.clear()  # before the next one is made
            held[convention] = prepare_bundle(bundle, config, convention=convention, means=means)
        yield iter_bundle_tests(
            bundle,
            activations,
            config=config,
            convention=convention,
            contrast=cast(Contrast, contrast),
            prepared=held[convention],
            means=means,
        )


def _long_table(
    sets: CellSets | MatchedSets,
    tests: GeneTests,
    genes: Sequence[str],
    all_columns: NDArray,
    start: int,
    dtype: np.dtype,
) -> pd.DataFrame:
    """Rows of some features, the first of which is number ``start`` of all that are tested."""
    n_tested, n_genes = len(sets.columns), len(genes)
    tested = [str(column) for column in all_columns]
    columns: dict[str, object] = {
        "feature": _labels(np.repeat(np.arange(start, start + n_tested), n_genes), tested),
        "gene": _labels(np.tile(np.arange(n_genes), n_tested), genes),
    }
    # p and q are float64 always: float32 ends at 1e-45.
    for name, kind in (("log2_fold", dtype), ("t", dtype), ("df", dtype), ("p", np.float64)):
        columns[name] = getattr(tests, name).ravel().astype(kind)
    columns["log10_p"] = tests.log10_p.ravel().astype(dtype)
    columns["q"] = tests.q.ravel()
    n_unmatched = getattr(sets, "n_unmatched", np.zeros(n_tested, dtype=np.int64))
    for name, sizes in (
        ("n_high", sets.n_high),
        ("n_low", sets.n_low),
        ("n_unmatched", n_unmatched),
    ):
        columns[name] = np.repeat(sizes, n_genes)
    rules = pd.Index(LOW_RULES).get_indexer(pd.Index(sets.low_rule, dtype=object))
    columns["low_rule"] = _labels(np.repeat(rules, n_genes), LOW_RULES)
    return pd.DataFrame(columns)


def _labels(codes: NDArray, categories: Sequence[str]) -> pd.Categorical:
    kind = pd.CategoricalDtype(pd.Index(list(categories), dtype=object))
    return pd.Categorical.from_codes(codes.astype(np.int32), dtype=kind)  # type: ignore[arg-type]


def _check(activations: sparse.spmatrix, shape: tuple[int, int], genes: Sequence[str]) -> None:
    """Check shapes and names once, at the door; the expression's values were checked."""
    if shape != (activations.shape[0], len(genes)):
        raise InputError(
            f"expression is {shape[0]} x {shape[1]}, but there are "
            f"{activations.shape[0]} cells with activations and {len(genes)} gene names; "
            "give the same cells and genes"
        )
    if len(set(genes)) != len(genes):
        repeated = pd.Index(genes)[pd.Index(genes).duplicated()][0]
        raise InputError(
            f"gene {str(repeated)!r} occurs more than once; make the gene names unique"
        )
    if activations.data.size and not np.min(activations.data) >= 0:
        raise InputError("activations hold negative or missing values; give counts or their means")
