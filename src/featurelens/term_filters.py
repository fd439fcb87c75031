"""From tests of terms to the terms that are kept: configuration, error rates, filters."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

from featurelens import stats
from featurelens.conventions import Convention
from featurelens.genesets import Membership
from featurelens.genesets.config import UniverseConfig
from featurelens.options import STRICT
from featurelens.term_tests import (
    GeneStatistics,
    TermTests,
    test_terms_corrected,
    test_terms_published,
)

NullName = Literal["complete", "beyond_type", "genes"]
Filter = Literal["kept_published_05", "kept_published_figures", "kept_fdr"]

FILTERS: dict[Convention, tuple[Filter, ...]] = {
    "published": ("kept_published_05", "kept_published_figures"),
    "corrected": ("kept_fdr",),
}
"""What each convention keeps: columns of the enrichment table."""

HIGHER = ("+", "up")
"""Directions of terms that a feature's high cells have more of, in either convention."""

ALL_FILTERS = tuple(name for names in FILTERS.values() for name in names)


@dataclass(frozen=True, kw_only=True)
class EnrichmentConfig:
    """Tests of gene sets, and what is kept of them."""

    __pydantic_config__ = STRICT

    min_genes: Annotated[int, Ge(1)] = 3
    """Gene sets with fewer genes in the data are not tested (the paper's bound is 10)."""
    max_genes: Annotated[int, Ge(1)] = 500
    """Gene sets with more genes in the data are not tested."""
    deg_p: Annotated[float, Gt(0), Le(1)] = 1e-5
    """Adjusted p below which a gene counts as selected."""
    fold: Annotated[float, Ge(1)] = 2.0
    """Fold change, up or down, beyond which a gene counts as selected."""
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.05
    """Corrected: false discovery rate, of features and of terms within the declared features."""
    min_effect: Annotated[float, Ge(0), Lt(0.5)] = 0.1
    """Corrected: terms whose effect is nearer to one half than this are not kept."""
    nulls: tuple[NullName, ...] = ("complete", "beyond_type", "genes")
    """Nulls whose share of annotated features stands beside the real one."""
    n_permutations: Annotated[int, Ge(0)] = 20
    """Permutations of the null that calibrates p; below 20 is for tests, 0 means no null at all."""
    n_control_permutations: Annotated[int, Ge(1)] = 5
    """Permutations of each other null."""
    seed: Annotated[int, Ge(0)] = 0
    """Seed of the permutations."""
    universe: UniverseConfig = field(default_factory=UniverseConfig)
    """Which genes of the data count, and how many of them the gene sets must have."""

    def __post_init__(self) -> None:
        if self.max_genes < self.min_genes:
            raise ValueError(f"max_genes {self.max_genes} is below min_genes {self.min_genes}")
        if self.n_permutations == 1:
            raise ValueError("n_permutations must be 0 or at least 2: each is judged by the others")


ENOUGH_PERMUTATIONS = 20
"""Fewer permutations calibrate p only roughly; the log says so."""


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
    """
    q_feature = stats.bh(stats.simes(p, axis=1), axis=0)
    n_tested, n_declared = (~np.isnan(q_feature)).sum(), (q_feature <= alpha).sum()
    q = np.minimum(1.0, stats.bh(p, axis=1) * n_tested / max(n_declared, 1))
    return q_feature[:, None], q


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
    """
    p = np.maximum(p_mannwhitney, p_cells)
    return np.where(agree | np.isnan(p), p, 1.0)
