"""How well each SAE did on its embedding: the variance that it explains, the features that are
dead (active in no cell) or active everywhere (in at least 90 % of cells), and the mean number of
features that a cell uses. Where most features are dead or active everywhere, the last column says
what to change. Where the embedding was normalised for training, input_scale is what it was divided
by. Of an SAE that was trained elsewhere, format and origin say what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

INPUTS = {"trained": "sae/{saes}/train.json"}
TOGETHER = "cells"

COLUMNS = (
    "architecture",
    "d_in",
    "n_features",
    "normalise",
    "input_scale",
    "n_epochs",
    "explained_variance",
    "features_per_cell",
    "n_live",
    "share_dead",
    "n_everywhere",
    "share_everywhere",
    "attention",
    "format",
    "origin",
)


def tabulate(trained: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row an SAE: what it is and how it did.

    Parameters
    ----------
    trained
        Name (dataset/model/sae) to ``train.json``.

    Returns
    -------
    DataFrame
        sae, position, and :data:`COLUMNS`; NaN where there is no value.
    """
    rows = [
        {"sae": name, "position": position, **{column: row.get(column) for column in COLUMNS}}
        for position, (name, row) in enumerate(trained.items(), start=1)
    ]
    return pd.DataFrame(rows, columns=["sae", "position", *COLUMNS])
