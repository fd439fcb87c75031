"""What an annotation amounts to: shares beside those of the nulls, and why nothing was kept."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.conventions import Convention
from featurelens.enrichment.config import FILTERS, EnrichmentConfig, Filter
from featurelens.enrichment.exchange import NULL_NAMES
from featurelens.enrichment.filters import ENOUGH_PERMUTATIONS
from featurelens.enrichment.nulls import share_below
from featurelens.enrichment.term_tests import PUBLISHED_ALPHA, TermTests
from featurelens.io import read_table, write_table
from featurelens.stats import multiple

Columns = dict[str, NDArray]

MEASURED = "measured"
"""Name, beside those of nulls, of the features themselves as tested on counts."""

NULL_COLUMNS = {
    "contrast": str,
    "convention": str,
    "null": str,
    "permutation": int,
    "filter": str,
    "n_features": int,
    "n_annotated": int,
    "share": float,
    "terms_per_feature": float,
    "p05_mannwhitney": float,
    "p05_calibrated": float,
}
"""The table of nulls: one row per null, permutation and filter.

n_features (live), n_annotated, share, terms_per_feature (mean over annotated features), and the
share below .05, over all features and terms, of p_mannwhitney and of the calibrated p (corrected
only). Under the calibrating null both should be one in twenty: each draw's features are annotated
with the help of all other draws, and its p05_calibrated is by the half of the draws that it is not
part of (``calibration.held_out_rates``). The null ``measured`` is none: the features as they are,
tested on counts where a model decoded the expression.
"""


def summarise(
    tests: TermTests,
    columns: Columns,
    null: pd.DataFrame,
    n_live: int,
    *,
    convention: Convention,
) -> pd.DataFrame:
    """Share of live features annotated, beside its share under each null.

    Parameters
    ----------
    tests, columns
        Of an :class:`featurelens.enrichment.annotate.Annotation`.
    null
        Its table of nulls.
    n_live
        Features active in at least one cell.

    Returns
    -------
    DataFrame
        One row per filter: convention, filter, n_live, n_tested, n_annotated, n_annotated_up
        (features with a term that is over-represented or higher, not lower), share; share_ and sd_
        of each null (mean and standard deviation over its permutations; NaN where it was not
        drawn); share_measured (of the same features tested on counts, where a model decoded the
        expression); p05_mannwhitney and p05_calibrated (share of p below .05 under the calibrating
        null); terms_per_feature_mean, terms_per_feature_sem (over annotated features; NaN below
        two), terms_per_feature_sem_published (the same deviation over the root of the number of
        terms, as ``05_analyses.py``), terms_per_feature_min, _median and _max, n_terms,
        features_per_term_max, share_of_annotated_max (the most frequent term's features over all
        annotated ones), n_terms_tested, terms_per_feature_mean_up (of the terms and features that
        n_annotated_up counts).
    """
    return pd.DataFrame(
        [
            {"convention": convention, "filter": name, "n_live": n_live}
            | {"n_tested": len(tests.features)}
            | _share(columns[name], tests.higher, n_live)
            | _shares_of_nulls(null[null["filter"] == name])
            | _terms_per_feature(columns[name])
            | {"terms_per_feature_mean_up": _mean_of_any(columns[name] & tests.higher)}
            | {"n_terms_tested": tests.effect.shape[1]}
            for name in FILTERS[convention]
        ]
    )


def describe_nulls(null: pd.DataFrame, resolution: float | None) -> Iterator[str]:
    """Lines for a log: what each null annotates, and whether its p-values are what they say."""
    for (name, kept), rows in null.groupby(["null", "filter"], sort=False):
        if name == MEASURED:
            share = rows["share"].mean()
            yield f"on measured counts, {kept}: {share:.2%} of live features annotated"
            continue
        line = (
            f"null {name}, {kept}: {rows['share'].mean():.2%} of live features annotated over "
            f"{len(rows)} permutations"
        )
        if name != "beyond_type" or name == null["null"].iloc[0]:  # where p should be uniform
            line += f"; p_mannwhitney below .05 in {rows['p05_mannwhitney'].mean():.3f} of cases"
        if name == null["null"].iloc[0] and rows["p05_calibrated"].notna().any():
            line += f", p_calibrated, held out, in {rows['p05_calibrated'].mean():.3f}"
        yield line
    if resolution is None:
        return
    yield f"the smallest p_calibrated possible is {resolution:.2g}"
    n = int(null.loc[null["null"] == null["null"].iloc[0], "permutation"].nunique())
    if n < ENOUGH_PERMUTATIONS:
        yield (
            f"ATTENTION: {n} permutations calibrate p only roughly; "
            f"set enrichment.n_permutations to {ENOUGH_PERMUTATIONS} or more for results"
        )


def explain_nothing(
    tests: TermTests,
    columns: Columns,
    config: EnrichmentConfig,
    convention: Convention,
    resolution: float | None,
) -> dict[Filter, str]:
    """Why filters keep nothing, by filter; filters that keep something are absent.

    Parameters
    ----------
    tests, columns
        Of an :class:`featurelens.enrichment.annotate.Annotation`.
    resolution
        The smallest calibrated p possible; None without calibration.
    """
    empty = [name for name in FILTERS[convention] if not columns[name].any()]
    if not empty:
        return {}
    if not tests.effect.size:
        reason = (
            "no feature has enough high and low cells to be tested; see the log of test_expression"
        )
    elif convention == "published":
        reason = _why_published(tests)
    else:
        reason = _why_corrected(tests, columns, config, resolution)
    return dict.fromkeys(empty, reason)


def _why_published(tests: TermTests) -> str:
    n_without = int((tests.n_selected == 0).all(axis=1).sum())
    return (
        f"{len(tests.features)} features tested, {n_without} of them without a selected gene; "
        f"binomial p below .05 in {share_below(tests.p_hits, PUBLISHED_ALPHA):.2%} of cases, "
        f"Mann-Whitney p in {share_below(tests.p_mannwhitney, PUBLISHED_ALPHA):.2%}, "
        "never enough of both"
    )


def _why_corrected(
    tests: TermTests, columns: Columns, config: EnrichmentConfig, resolution: float | None
) -> str:
    n_features, alpha = len(tests.features), config.alpha
    p, p_cells = columns["p"], columns["p_calibrated"]
    if np.isnan(p).all():
        return f"{n_features} features tested, but no p could be computed: the scores do not vary"
    lowest = float(np.nanmin(columns["q_feature"]))
    text = f"{n_features} features tested, the smallest q of a feature is {lowest:.3g}"
    declared = columns["q"] <= alpha
    if declared.any():
        furthest = float(np.abs(tests.effect - 0.5)[declared].max())
        return (
            f"{text}, and {int(declared.any(axis=1).sum())} features are declared, but their "
            f"effects are at most {furthest:.3f} from one half, below enrichment.min_effect "
            f"{config.min_effect:g}"
        )
    text += (
        f", above enrichment.alpha {alpha:g}; the rank test alone would declare "
        f"{_n_declared(tests.p_mannwhitney, alpha)}"
    )
    if resolution is None:
        return text
    text += f" and permuted cells alone {_n_declared(p_cells, alpha)}"
    # The best that more permutations could do: every p at the bound becomes as small as it may.
    unbounded = np.where(p_cells <= 1.01 * resolution, 0.0, p_cells)
    finer = np.where(p <= p_cells, np.maximum(tests.p_mannwhitney, unbounded), p)
    if _n_declared(finer, alpha):
        text += (
            f"; no calibrated p can be below {resolution:.2g}, which is too coarse here: "
            "raise enrichment.n_permutations"
        )
    return text


def _n_declared(p: NDArray, alpha: float) -> int:
    return int((multiple.bh(multiple.simes(p, axis=1), axis=0) <= alpha).sum())


def _share(kept: NDArray[np.bool_], higher: NDArray[np.bool_], n_live: int) -> dict[str, float]:
    n_annotated = int(kept.any(axis=1).sum())
    return {
        "n_annotated": n_annotated,
        "n_annotated_up": int((kept & higher).any(axis=1).sum()),
        "share": n_annotated / n_live if n_live else np.nan,
    }


def _shares_of_nulls(null: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in NULL_NAMES:
        share = null.loc[null["null"] == name, "share"]
        found[f"share_{name}"] = share.mean() if len(share) else np.nan
        found[f"sd_{name}"] = share.std(ddof=1) if len(share) > 1 else np.nan
    found["share_measured"] = null.loc[null["null"] == MEASURED, "share"].mean()
    first = null[null["null"] == null["null"].iloc[0]] if len(null) else null
    rates = ("p05_mannwhitney", "p05_calibrated")
    return found | {name: first[name].mean() if len(first) else np.nan for name in rates}


def _mean_of_any(kept: NDArray[np.bool_]) -> float:
    """Mean number of terms of the features that have one; NaN where none has."""
    per_feature = kept.sum(axis=1)
    return float(per_feature[per_feature > 0].mean()) if per_feature.any() else np.nan


def _terms_per_feature(kept: NDArray[np.bool_]) -> dict[str, float]:
    per_feature = kept.sum(axis=1)
    per_feature = per_feature[per_feature > 0]
    n_annotated, n_terms = len(per_feature), int(kept.any(axis=0).sum())
    deviation = per_feature.std(ddof=1) if n_annotated > 1 else np.nan
    most_frequent = int(kept.sum(axis=0).max(initial=0))
    return {
        "terms_per_feature_mean": per_feature.mean() if n_annotated else np.nan,
        "terms_per_feature_sem": deviation / np.sqrt(n_annotated) if n_annotated else np.nan,
        "terms_per_feature_sem_published": deviation / np.sqrt(n_terms) if n_terms else np.nan,
        "terms_per_feature_min": per_feature.min() if n_annotated else np.nan,
        "terms_per_feature_median": np.median(per_feature) if n_annotated else np.nan,
        "terms_per_feature_max": per_feature.max() if n_annotated else np.nan,
        "n_terms": n_terms,
        "features_per_term_max": most_frequent,
        "share_of_annotated_max": most_frequent / n_annotated if n_annotated else np.nan,
    }


def join_summaries(parts: Sequence[str | Path], path: str | Path) -> None:
    """Write the rows of several summaries into one file, in their order."""
    write_table(pd.concat(map(read_table, parts), ignore_index=True), path)
