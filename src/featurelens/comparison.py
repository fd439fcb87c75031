"""How alike the concepts of two SAEs are (paper section 5.3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment


def compare_annotations(
    enrichments: Mapping[str, Mapping[str, pd.DataFrame]], *, n_permutations: int = 5, seed: int = 0
) -> pd.DataFrame:
    """Compare the concepts of the first two SAEs (author's ``05_analyses.py``), under every filter.

    Parameters
    ----------
    enrichments
        SAE name to convention to enrichment table; only the first two names are used.
    n_permutations
        Permutations of the null of the similarity: the terms of the second SAE are renamed at
        random, which keeps how many terms each feature has and which features share them.
    seed
        Seed of the permutations.

    Returns
    -------
    DataFrame
        left, right, convention, filter, n_terms_left, n_terms_right, n_shared, share_shared (of
        the terms of the left SAE), pearson and spearman (features per shared term), similarity
        (mean Jaccard of features matched one to one), null_similarity, null_sd. No row with fewer
        than two SAEs.
    """
    names = list(enrichments)[:2]
    rows = []
    for convention, kept in (
        ("published", "kept_published_05"),
        ("published", "kept_published_figures"),
        ("corrected", "kept_fdr"),
    ):
        if len(names) < 2 or any(convention not in enrichments[name] for name in names):
            continue
        left, right = (_incidence(enrichments[name][convention], kept) for name in names)
        rng = np.random.default_rng(seed)
        rows.append(
            {"left": names[0], "right": names[1], "convention": convention, "filter": kept}
            | _compare(left, right, rng, n_permutations)
        )
    return pd.DataFrame(rows)


def feature_similarity(left: np.ndarray, right: np.ndarray) -> float:
    """Mean Jaccard index of features matched one to one for the largest sum (``05_analyses.py``).

    Parameters
    ----------
    left, right
        Binary features x terms, (n_left, n_terms) and (n_right, n_terms); two features without
        any term count as equal, as in the author's code.
    """
    if not len(left) or not len(right):
        return float("nan")
    both = left @ right.T
    either = left.sum(axis=1)[:, None] + right.sum(axis=1)[None, :] - both
    jaccard = np.where(either == 0, 1.0, both / np.where(either == 0, 1.0, either))
    return float(jaccard[linear_sum_assignment(jaccard, maximize=True)].mean())


def _incidence(enrichment: pd.DataFrame, kept: str) -> pd.DataFrame:
    """Annotated features x found terms, 0 or 1."""
    rows = enrichment[enrichment[kept].astype(bool)]
    table = pd.crosstab(rows["feature"].astype(str), rows["term"].astype(str))
    return table.clip(upper=1).astype(float)


def _compare(
    left: pd.DataFrame, right: pd.DataFrame, rng: np.random.Generator, n_permutations: int
) -> dict[str, float]:
    shared = left.columns.intersection(right.columns, sort=False)
    counts = pd.DataFrame({"left": left[shared].sum(), "right": right[shared].sum()})
    a, b = left[shared].to_numpy(), right[shared].to_numpy()
    null = [
        feature_similarity(a, b[:, rng.permutation(len(shared))]) for _ in range(n_permutations)
    ]
    return {
        "n_terms_left": left.shape[1],
        "n_terms_right": right.shape[1],
        "n_shared": len(shared),
        "share_shared": len(shared) / left.shape[1] if left.shape[1] else float("nan"),
        "pearson": _correlation(counts),
        "spearman": _correlation(counts.rank()),
        "similarity": feature_similarity(a, b) if len(shared) else float("nan"),
        "null_similarity": float(np.mean(null)) if len(shared) else float("nan"),
        "null_sd": float(np.std(null)) if len(shared) else float("nan"),
    }


def _correlation(counts: pd.DataFrame) -> float:
    """Pearson r of two columns; NaN with fewer than two rows or a constant column."""
    if len(counts) < 2 or (counts.std() == 0).any():
        return float("nan")
    return float(np.corrcoef(counts["left"], counts["right"])[0, 1])
