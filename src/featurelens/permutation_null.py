"""The complete null: cells change places within batch, and everything is tested again.

Whatever a feature carries there it carries by chance, or because genes move together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.calibration import calibrate
from featurelens.cell_sets import DgeConfig, split_cells
from featurelens.conventions import Convention
from featurelens.dge import test_genes
from featurelens.genesets import Membership
from featurelens.io import InputError
from featurelens.prepared import prepare_expression
from featurelens.term_filters import (
    FILTERS,
    EnrichmentConfig,
    Filter,
    combine,
    declare,
    kept_fdr,
    run_tests,
)
from featurelens.term_tests import GeneStatistics, kept_published

CHUNK = 512
"""Features tested at once under the null; bounds memory, changes no result."""


_DRAWN = ("score", "effect", "p_mannwhitney")

_NULL_COLUMNS = {
    "convention": str,
    "permutation": int,
    "filter": str,
    "n_features": int,
    "n_annotated": int,
    "share": float,
    "terms_per_feature": float,
    "p05_mannwhitney": float,
    "p05_calibrated": float,
}


@dataclass(frozen=True)
class Null:
    """Tests of permuted cells, through the same code as the real ones.

    ``features`` are the tested ones, ``n_live`` counts all features active in some cell.
    ``score``, ``effect`` and ``p_mannwhitney`` are (n_permutations, n_features, n_terms) float32;
    ``kept`` holds the same shape of bool for each published filter.
    """

    features: tuple[str, ...]
    n_live: int
    n_low: NDArray[np.int64]
    score: NDArray[np.float32]
    effect: NDArray[np.float32]
    p_mannwhitney: NDArray[np.float32]
    kept: dict[Filter, NDArray[np.bool_]]


def draw_null(
    activations: sparse.spmatrix,
    expression: NDArray,
    genes: Sequence[str],
    batch: NDArray,
    membership: Membership,
    *,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    convention: Convention,
) -> Null:
    """Permute cells within batch and test again, ``n_permutations`` times (the complete null).

    Parameters
    ----------
    activations
        (n_cells, n_features), not negative.
    expression
        (n_cells, n_genes), not negative.
    genes
        Names of the expression's columns, which are the membership's genes in its order.
    batch
        (n_cells,) labels; cells change places only within one.

    Raises
    ------
    InputError
        If the genes or the number of cells do not match.
    """
    _check(activations, expression, genes, batch, membership)
    sets = split_cells(activations, config=dge_config, convention=convention)
    shape = (config.n_permutations, len(sets.columns), len(membership.terms))
    drawn = {name: np.full(shape, np.nan, np.float32) for name in _DRAWN}
    kept: dict[Filter, NDArray[np.bool_]] = {}
    if convention == "published":
        kept = {name: np.zeros(shape, dtype=bool) for name in FILTERS["published"]}
    prepared = prepare_expression(expression)
    for draw, order in enumerate(_permutations(batch, config)):
        permuted = sets.permuted(order)
        for rows in (slice(i, i + CHUNK) for i in range(0, shape[1], CHUNK)):
            part = permuted.rows(rows)
            tests = test_genes(part, prepared, config=dge_config, convention=convention)
            names = tuple(str(column) for column in part.columns)
            statistics = GeneStatistics(names, part.n_low, tests.log2_fold, tests.t, tests.q)
            terms = run_tests(statistics, membership, config=config, convention=convention)
            for name, values in drawn.items():
                values[draw, rows] = getattr(terms, name)
            for name, hits in zip(kept, kept_published(terms), strict=False):
                kept[name][draw, rows] = hits
    return Null(
        features=tuple(str(column) for column in sets.columns),
        n_live=int(np.unique(sparse.csc_matrix(activations).nonzero()[1]).size),
        n_low=sets.n_low,
        kept=kept,
        **drawn,
    )


def null_table(null: Null, *, config: EnrichmentConfig, convention: Convention) -> pd.DataFrame:
    """What each permutation annotates; under ``corrected`` each is calibrated by all others.

    Returns
    -------
    DataFrame
        One row per permutation and filter: convention, permutation, filter, n_features (live),
        n_annotated, share, terms_per_feature (mean over annotated features), and the share below
        .05, over all features and terms, of p_mannwhitney (p05_mannwhitney) and of the calibrated
        p (p05_calibrated, corrected only): one in twenty if it is what it says.
    """
    rows = []
    for draw, p_mannwhitney in enumerate(null.p_mannwhitney):
        p_cells = np.full(p_mannwhitney.shape, np.nan)
        kept = {name: hits[draw] for name, hits in null.kept.items()}
        if convention == "corrected":
            others = np.delete(null.score, draw, axis=0)
            p_cells = calibrate(null.score[draw], others, null.n_low)
            _, q = declare(combine(p_mannwhitney, p_cells), alpha=config.alpha)
            kept = {"kept_fdr": kept_fdr(q, null.effect[draw], config)}
        rates = {
            "p05_mannwhitney": _share_below(p_mannwhitney, 0.05),
            "p05_calibrated": _share_below(p_cells, 0.05),
        }
        rows += [
            {"convention": convention, "permutation": draw, "filter": name}
            | _count(hits, null.n_live)
            | rates
            for name, hits in kept.items()
        ]
    return pd.DataFrame(rows, columns=list(_NULL_COLUMNS)).astype(_NULL_COLUMNS)


def _count(kept: NDArray[np.bool_], n_live: int) -> dict[str, float]:
    per_feature = kept.sum(axis=1)
    annotated = per_feature[per_feature > 0]
    return {
        "n_features": n_live,
        "n_annotated": len(annotated),
        "share": len(annotated) / n_live if n_live else np.nan,
        "terms_per_feature": annotated.mean() if len(annotated) else np.nan,
    }


def _check(
    activations: sparse.spmatrix,
    expression: NDArray,
    genes: Sequence[str],
    batch: NDArray,
    membership: Membership,
) -> None:
    if tuple(genes) != membership.genes:
        raise InputError(
            "the expression's genes are not the genes that the gene sets were laid over; "
            "make the membership from the same list"
        )
    if not activations.shape[0] == expression.shape[0] == len(batch):
        raise InputError(
            f"{activations.shape[0]} cells have activations, {expression.shape[0]} expression and "
            f"{len(batch)} a batch; give the same cells"
        )


def _permutations(batch: NDArray, config: EnrichmentConfig) -> Iterator[NDArray[np.int64]]:
    """Orders of the cells in which every batch keeps its places."""
    rng = np.random.default_rng(config.seed)
    _, codes = np.unique(np.asarray(batch, dtype=str), return_inverse=True)
    places = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    for _ in range(config.n_permutations):
        order = np.arange(len(codes))
        for cells in places:
            order[cells] = rng.permutation(cells)
        yield order


def _share_below(p: NDArray, bound: float) -> float:
    n_known = int((~np.isnan(p)).sum())
    return float((p < bound).sum() / n_known) if n_known else np.nan
