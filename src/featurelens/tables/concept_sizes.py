"""How many features carry how many gene sets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from featurelens.concepts.config import Direction
from featurelens.concepts.space import every_filter

INPUTS = {"kept": "concepts/{annotated}/kept_terms.parquet"}
PARAMS = {"direction": "{concepts.direction}"}
OUTPUTS = {"concept_sizes": ""}
TOGETHER = "concepts"


def tabulate(kept: Mapping[str, pd.DataFrame], *, direction: Direction = "up") -> pd.DataFrame:
    """How many features carry how many terms.

    Returns
    -------
    DataFrame
        sae, position, convention, filter, n_terms, n_features; numbers of terms that some feature
        has.
    """
    rows = [
        label | {"n_terms": int(n_terms), "n_features": int(n_features)}
        for _, label, matrix in every_filter(kept, direction)
        for n_terms, n_features in zip(
            *np.unique(matrix.per_feature.to_numpy(), return_counts=True), strict=True
        )
    ]
    columns = ["sae", "position", "convention", "filter", "n_terms", "n_features"]
    return pd.DataFrame(rows, columns=columns)
