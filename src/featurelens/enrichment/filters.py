"""From tests of terms to the terms that are kept: configuration, error rates, filters."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.conventions import Convention
from featurelens.enrichment.config import ALL_FILTERS, EnrichmentConfig
from featurelens.enrichment.term_tests import (
    GeneStatistics,
    TermTests,
    test_terms_corrected,
    test_terms_published,
)
from featurelens.genesets.sets import Membership
from featurelens.stats import multiple

ENOUGH_PERMUTATIONS = 20
"""Fewer permutations calibrate p only roughly; the log says so."""

_AT_ONCE = 256
"""Features whose p are adjusted at once; bounds memory, changes no result."""


def run_tests(
    genes: GeneStatistics,
    membership: Membership,
    *,
    config: EnrichmentConfig,
    convention: Convention,
    hits: bool = True,
) -> TermTests:
    """Tests of one convention with the configured selection of genes.

    ``hits`` false leaves out what only the table of real features shows (corrected).
    """
    bounds = {"deg_p": config.deg_p, "fold": config.fold}
    if convention == "published":
        return test_terms_published(genes, membership, **bounds)
    return test_terms_corrected(genes, membership, **bounds, hits=hits)


def declare(p: NDArray, *, alpha: float) -> tuple[NDArray, NDArray]:
    """Adjusted p of features, and of terms within the features declared.

    Features: Simes' p over terms, Benjamini-Hochberg over features; R of m are declared at
    ``alpha``. Terms: Benjamini-Hochberg within the feature, times m / R (Benjamini & Bogomolov
    2014). A term has q <= alpha only in a declared feature.

    Returns
    -------
    q_feature, q
        (n_features, 1) and (n_features, n_terms).

    Examples
    --------
    Of two features one is declared, so its terms pay for two:

    >>> q_feature, q = declare(np.array([[0.01, 0.5], [0.6, 0.6]]), alpha=0.05)
    >>> q_feature.ravel(), q[0]
    (array([0.04, 0.6 ]), array([0.04, 1.  ]))
    """
    q, lowest = np.empty(p.shape), np.empty(len(p))
    for start in range(0, len(p), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        q[rows] = multiple.bh(p[rows], axis=1)
        lowest[rows] = multiple.smallest(q[rows], axis=1)
    q_feature = multiple.bh(lowest, axis=0)
    n_tested, n_declared = (~np.isnan(q_feature)).sum(), (q_feature <= alpha).sum()
    q *= n_tested
    q /= max(n_declared, 1)
    return q_feature[:, None], np.minimum(1.0, q, out=q)


def kept_fdr(q: NDArray, far: NDArray[np.bool_], config: EnrichmentConfig) -> NDArray[np.bool_]:
    """Corrected filter: declared, and far enough from one half."""
    return (q <= config.alpha) & far


def is_far(effect: NDArray, config: EnrichmentConfig) -> NDArray[np.bool_]:
    """Whether effects reach the floor: a term whose genes hardly differ is not kept."""
    return np.abs(effect - 0.5) >= config.min_effect


def read_kept(path: str | Path) -> pd.DataFrame:
    """Rows of an enrichment table that some filter keeps; the whole of it may not fit in memory."""
    from pyarrow import parquet

    filters = [[(name, "==", True)] for name in ALL_FILTERS]
    # By its path, not through pandas, for the reason that io.read_table gives.
    return parquet.read_table(str(path), filters=filters, partitioning=None).to_pandas()


def combine(p_mannwhitney: NDArray, p_cells: NDArray, agree: NDArray[np.bool_]) -> NDArray:
    """P of the claim that a term stands out among genes AND that the feature's cells matter.

    The rank-sum test permutes genes (is this set unlike other genes?), the calibrated score
    permutes cells (is this feature unlike chance?); Goeman & Bühlmann 2007 call them competitive
    and self-contained. A feature is annotated only when both reject, so the larger p counts
    (intersection-union test, Berger 1982). Ranks alone would not do: the genes of permuted cells
    are ordered as coherently as those of real features, only by smaller t.

    Both must reject in the same direction: where they do not ``agree`` each direction has a
    one-sided p of at least one half, and p is 1.

    Examples
    --------
    >>> combine(np.array([0.01, 0.01]), np.array([0.2, 0.2]), np.array([True, False]))
    array([0.2, 1. ])
    """
    p = np.maximum(p_mannwhitney, p_cells)
    return np.where(agree | np.isnan(p), p, 1.0)
