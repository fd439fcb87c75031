"""How many gene sets an annotated feature carries; under the corrected filter those alone count
that its high cells have more of, and n_features_any and mean_any count all, as annotation.tsv
does. The standard error of the mean over features is sem; sem_published divides by the root of
the number of gene sets, as the paper does.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from featurelens.concepts.config import Direction
from featurelens.concepts.space import every_filter

INPUTS = {"kept": "concepts/{annotated}/kept_terms.parquet"}
PARAMS = {"direction": "{concepts.direction}"}
TOGETHER = "concepts"


def tabulate(kept: Mapping[str, pd.DataFrame], *, direction: Direction = "up") -> pd.DataFrame:
    """How many terms an annotated feature carries, with its standard error.

    Returns
    -------
    DataFrame
        sae, position, convention, filter, n_features, n_terms, mean, sd, sem (sd / sqrt(features)),
        sem_published (sd / sqrt(terms), author's ``05_analyses.py``), min, median, max; and
        n_features_any and mean_any, where terms of any direction count.
    """
    rows = []
    both = zip(every_filter(kept, direction), every_filter(kept, "any"), strict=True)
    for (_, label, matrix), (_, _, of_any) in both:
        counts, whole = matrix.per_feature.to_numpy(), of_any.per_feature.to_numpy()
        rows.append(
            label
            | {"n_features": len(counts), "n_terms": len(matrix.terms)}
            | describe_counts(counts, len(matrix.terms))
            | {"n_features_any": len(whole), "mean_any": describe_counts(whole, 1)["mean"]}
        )
    return pd.DataFrame(rows)


def describe_counts(counts: NDArray, n_terms: int) -> dict[str, float]:
    """Mean of a count over features, its two standard errors, and extremes; NaN where undefined."""
    if not len(counts):
        names = ("mean", "sd", "sem", "sem_published", "min", "median", "max")
        return dict.fromkeys(names, float("nan"))
    deviation = float(np.std(counts, ddof=1)) if len(counts) > 1 else float("nan")
    return {
        "mean": float(np.mean(counts)),
        "sd": deviation,
        "sem": deviation / np.sqrt(len(counts)),
        "sem_published": deviation / np.sqrt(n_terms),
        "min": float(np.min(counts)),
        "median": float(np.median(counts)),
        "max": float(np.max(counts)),
    }
