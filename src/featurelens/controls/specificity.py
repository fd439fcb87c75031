"""How specific annotations and activations are, in numbers that need no statistics to read."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest


def share_interval(n_annotated: int, n_live: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; NaN without live features.

    Features overlap, so the interval is what independent features would give, and too narrow.

    Examples
    --------
    None of ten: from 0 to z² / (10 + z²), z = 1.96.

    >>> [round(end, 4) for end in share_interval(0, 10)]
    [0.0, 0.2775]
    """
    if n_live == 0:
        return np.nan, np.nan
    interval = binomtest(n_annotated, n_live).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def term_specificity(kept: pd.DataFrame) -> dict[str, object]:
    """Whether features say different things.

    Parameters
    ----------
    kept
        Annotations: feature, term, effect (probability that a gene of the term ranks higher).

    Returns
    -------
    dict
        commonest_term; commonest_term_share (of annotated features, those that carry it: 1 where
        all say the same); effective_terms (exp of the entropy -sum p log p of the terms' shares p
        of all annotations: as many equally common terms would be as diverse, Hill 1973); effect
        (mean over annotations of the rank-biserial correlation |2 effect - 1|, from 0 to 1).
    """
    pairs = kept.drop_duplicates(["feature", "term"])
    counts = pairs["term"].astype(str).value_counts()
    if not len(counts):
        names = ("commonest_term_share", "effective_terms", "effect")
        return {"commonest_term": "", **dict.fromkeys(names, np.nan)}
    counts = counts.iloc[np.lexsort((counts.index.to_numpy(), -counts.to_numpy()))]
    share = counts.to_numpy() / counts.sum()
    return {
        "commonest_term": counts.index[0],
        "commonest_term_share": counts.iloc[0] / pairs["feature"].nunique(),
        "effective_terms": float(np.exp(-(share * np.log(share)).sum())),
        "effect": float(np.abs(2 * kept["effect"] - 1).mean()),
    }


def type_specificity(type_means: np.ndarray) -> np.ndarray:
    """Tau of each feature: 0 where all cell types activate it alike, 1 where a single type does.

    ``tau = sum_t (1 - m_t / max m) / (T - 1)`` over the T cell types, with m_t the mean activation
    in type t (Yanai et al. 2005, Bioinformatics 21:650, there for genes over tissues).

    Parameters
    ----------
    type_means
        (n_features, n_types), not negative.

    Returns
    -------
    ndarray
        (n_features,); NaN for features that are never active, and for all with a single type.

    Examples
    --------
    >>> type_specificity(np.array([[1, 1, 1], [2, 0, 0], [2, 1, 0], [0, 0, 0]]))
    array([0.  , 1.  , 0.75,  nan])
    """
    n_types = type_means.shape[1]
    highest = type_means.max(axis=1, keepdims=True)
    relative = np.divide(
        type_means, highest, out=np.full(type_means.shape, np.nan), where=highest > 0
    )
    if n_types < 2:
        return np.full(len(type_means), np.nan)
    return (1 - relative).sum(axis=1) / (n_types - 1)
