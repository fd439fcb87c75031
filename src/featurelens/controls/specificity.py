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
