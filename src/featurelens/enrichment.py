"""Which gene sets a feature carries, in two conventions, and how many it would carry by chance.

One path: gene statistics -> tests of terms -> what is kept. The null permutes cells and runs the
same path, so that a share of annotated features always stands beside the share that features
without any meaning reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.calibration import calibrate
from featurelens.cell_sets import DgeConfig
from featurelens.conventions import Convention
from featurelens.genesets import Membership
from featurelens.io import InputError
from featurelens.permutation_null import Null, draw_null, null_table
from featurelens.term_filters import (
    ALL_FILTERS,
    FILTERS,
    HIGHER,
    EnrichmentConfig,
    Filter,
    combine,
    declare,
    kept_fdr,
    run_tests,
)
from featurelens.term_tests import GeneStatistics, TermTests, gene_statistics, kept_published

__all__ = [
    "FILTERS",
    "Annotation",
    "EnrichmentConfig",
    "Filter",
    "Null",
    "annotate",
    "annotate_null",
    "draw_null",
    "enrich",
    "null_table",
    "summarise",
]


@dataclass(frozen=True)
class Annotation:
    """The table of :func:`enrich`, and the table of :func:`annotate_null` beside it."""

    enrichment: pd.DataFrame
    null: pd.DataFrame


def annotate(
    dge: pd.DataFrame,
    activations: sparse.spmatrix,
    expression: NDArray,
    genes: Sequence[str],
    batch: NDArray,
    membership: Membership,
    *,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    convention: Convention,
) -> Annotation:
    """Enrichment of every feature and its null, drawing the permutations once for both.

    Parameters are those of :func:`enrich` and :func:`draw_null`.
    """
    null = draw_null(
        activations,
        expression,
        genes,
        batch,
        membership,
        dge_config=dge_config,
        config=config,
        convention=convention,
    )
    table = enrich(dge, membership, config=config, convention=convention, null=null)
    return Annotation(table, null_table(null, config=config, convention=convention))


def enrich(
    dge: pd.DataFrame,
    membership: Membership,
    *,
    config: EnrichmentConfig,
    convention: Convention,
    null: Null | None = None,
) -> pd.DataFrame:
    """Test every feature against every gene set.

    Parameters
    ----------
    dge
        Of ``dge.test_expression`` in the same convention, over the membership's genes.
    null
        Of :func:`draw_null` for the same features; calibrates the corrected convention.

    Returns
    -------
    DataFrame
        One row per feature and term, see ``term_tests`` for the statistics of each convention:
        feature, term, category, n_hits, n_selected, n_term, expected, fold, direction,
        p_binomial, p_hypergeometric, p_mannwhitney, effect, p_calibrated (permuted cells), p (the
        larger of p_mannwhitney and p_calibrated), q_feature (Simes' p of the feature,
        Benjamini-Hochberg over features), q (Benjamini-Bogomolov within features: at most
        ``alpha`` for the terms declared), kept_published_05, kept_published_figures, kept_fdr (q
        and the effect's floor), convention. What a convention does not compute is NaN or False.
        Without a null p_calibrated is NaN and p is p_mannwhitney.

    Raises
    ------
    InputError
        If the genes differ, or the null is of other features.
    """
    genes = gene_statistics(dge, membership)
    tests = run_tests(genes, membership, config=config, convention=convention)
    shape = tests.effect.shape
    columns = {name: np.full(shape, np.nan) for name in ("p_calibrated", "p", "q_feature", "q")}
    columns |= {name: np.zeros(shape, dtype=bool) for name in ALL_FILTERS}
    if convention == "published":
        columns |= dict(zip(FILTERS["published"], kept_published(tests), strict=True))
    else:
        p = tests.p_mannwhitney
        if null is not None and len(null.score):
            columns["p_calibrated"] = _calibrated(genes, tests, null)
            p = combine(p, columns["p_calibrated"])
        q_feature, q = declare(p, alpha=config.alpha)
        columns |= {"p": p, "q_feature": np.broadcast_to(q_feature, shape), "q": q}
        columns["kept_fdr"] = kept_fdr(q, tests.effect, config)
    return _long_table(genes.features, membership, tests, columns, convention)


def annotate_null(
    activations: sparse.spmatrix,
    expression: NDArray,
    genes: Sequence[str],
    batch: NDArray,
    membership: Membership,
    *,
    dge_config: DgeConfig,
    config: EnrichmentConfig,
    convention: Convention,
) -> pd.DataFrame:
    """What is annotated when activations are permuted over cells within batch.

    See :func:`draw_null` for the parameters and :func:`null_table` for the columns.
    """
    null = draw_null(
        activations,
        expression,
        genes,
        batch,
        membership,
        dge_config=dge_config,
        config=config,
        convention=convention,
    )
    return null_table(null, config=config, convention=convention)


def summarise(enrichment: pd.DataFrame, n_live: int, null: pd.DataFrame) -> pd.DataFrame:
    """Share of live features annotated, beside its share under the null.

    Parameters
    ----------
    enrichment, null
        Of :func:`enrich` and :func:`annotate_null`; one or both conventions.
    n_live
        Features active in at least one cell.

    Returns
    -------
    DataFrame
        One row per convention and filter: convention, filter, n_live, n_annotated, n_annotated_up
        (features with a term that is over-represented or higher, not lower), share, null_share,
        null_sd (over permutations), terms_per_feature_mean, terms_per_feature_sem
        (over annotated features; NaN below two), terms_per_feature_sem_published (the same
        deviation over the root of the number of terms, as ``05_analyses.py``), n_terms.
    """
    found = {*enrichment["convention"].unique(), *null["convention"].unique()}
    rows = [
        _summarise(enrichment[enrichment["convention"] == convention], null, name, n_live)
        | {"convention": convention, "filter": name}
        for convention, names in FILTERS.items()
        if convention in found
        for name in names
    ]
    return pd.DataFrame(rows, columns=list(_SUMMARY_COLUMNS))


_SUMMARY_COLUMNS = (
    "convention",
    "filter",
    "n_live",
    "n_annotated",
    "n_annotated_up",
    "share",
    "null_share",
    "null_sd",
    "terms_per_feature_mean",
    "terms_per_feature_sem",
    "terms_per_feature_sem_published",
    "n_terms",
)


def _calibrated(genes: GeneStatistics, tests: TermTests, null: Null) -> NDArray:
    if null.features != genes.features:
        raise InputError(
            f"the null holds {len(null.features)} features and the expression table "
            f"{len(genes.features)}, or others; make both from the same activations and config"
        )
    return calibrate(tests.score, null.score, null.n_low)


def _long_table(
    features: tuple[str, ...],
    membership: Membership,
    tests: TermTests,
    columns: dict[str, NDArray],
    convention: Convention,
) -> pd.DataFrame:
    n_features, n_terms = len(features), len(membership.terms)
    feature = np.repeat(np.arange(n_features), n_terms)
    term = np.tile(np.arange(n_terms), n_features)
    categories = pd.Categorical(membership.categories)
    table: dict[str, object] = {
        "feature": _labels(feature, features),
        "term": _labels(term, membership.terms),
        "category": _labels(categories.codes[term], list(categories.categories)),
    }
    counts = {"n_hits": tests.n_hits, "n_selected": tests.n_selected}
    table |= {name: values.ravel().astype(np.int64) for name, values in counts.items()}
    table["n_term"] = membership.sizes[term]
    table |= {"expected": tests.expected.ravel(), "fold": tests.fold.ravel()}
    table["direction"] = pd.Categorical(tests.direction.ravel(), ["+", "-", "up", "down"])
    for name in ("p_binomial", "p_hypergeometric", "p_mannwhitney", "effect"):
        table[name] = getattr(tests, name).ravel()
    table |= {name: values.ravel() for name, values in columns.items()}
    table["convention"] = pd.Categorical([convention] * len(feature), [convention])
    return pd.DataFrame(table)


def _labels(codes: NDArray, categories: Sequence[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(
        codes.tolist(), categories=pd.Index(list(categories), dtype=object)
    )


def _summarise(
    enrichment: pd.DataFrame, null: pd.DataFrame, name: Filter, n_live: int
) -> dict[str, float]:
    kept = enrichment[enrichment[name]]
    per_feature = kept.groupby("feature", observed=True).size()
    n_annotated, n_terms = len(per_feature), kept["term"].nunique()
    deviation = per_feature.std(ddof=1) if n_annotated > 1 else np.nan
    share = null.loc[null["filter"] == name, "share"]
    return {
        "n_live": n_live,
        "n_annotated": n_annotated,
        "n_annotated_up": kept.loc[kept["direction"].isin(HIGHER), "feature"].nunique(),
        "share": n_annotated / n_live if n_live else np.nan,
        "null_share": share.mean() if len(share) else np.nan,
        "null_sd": share.std(ddof=1) if len(share) > 1 else np.nan,
        "terms_per_feature_mean": per_feature.mean() if n_annotated else np.nan,
        "terms_per_feature_sem": deviation / np.sqrt(n_annotated) if n_annotated else np.nan,
        "terms_per_feature_sem_published": deviation / np.sqrt(n_terms) if n_terms else np.nan,
        "n_terms": n_terms,
    }
