"""The features that cells are steered with: why each was chosen, what it is set to, and where that
value lies among its own activations (the paper calls it maximising and takes the mean of one type).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from featurelens.tables.stacked import stack_named

if TYPE_CHECKING:
    from anndata import AnnData

INPUTS = {
    "selected": "steering/{steered}/selected.tsv",
    "features": "features/{steered}/features.h5ad",
}


def tabulate(selected: Mapping[str, pd.DataFrame], features: Mapping[str, AnnData]) -> pd.DataFrame:
    """What is steered, of every SAE.

    Parameters
    ----------
    selected
        Name (dataset/model/sae) to ``selected.tsv`` of its steering.
    features
        The same names to ``features.h5ad``.

    Returns
    -------
    DataFrame
        sae, the columns of ``selected``, of_maximum (the value over the highest activation in any
        cell) and share_below (of the cells in which the feature is active, those in which it is
        less so); NaN where several features are edited or the value is no activation.
    """
    table = stack_named(selected, "sae")
    placed = [
        _place(features[str(row["sae"])], str(row["feature"]), float(row["steered_value"]))
        if row["operation"] == "set"
        else (np.nan, np.nan)
        for row in table.to_dict("records")
    ]
    return table.assign(
        of_maximum=[of_maximum for of_maximum, _ in placed],
        share_below=[share for _, share in placed],
    )


def _place(features: AnnData, feature: str, value: float) -> tuple[float, float]:
    """A value over a feature's maximum, and the share of its activations below it."""
    if feature not in features.var_names:
        return np.nan, np.nan
    own = features.X[:, [features.var_names.get_loc(feature)]].data
    return (value / float(own.max()), float((own < value).mean())) if own.size else (np.nan, np.nan)
