"""**Are the features those of other seeds?** Features of one SAE and of the same SAE with another
seed, matched one to one by their activations in the same cells: correlation of the activations,
cosine of the decoder rows, and pairs of one locality. Each stands beside what random directions
that fire as often, or pairs that exchange partners, have; Table S6 over seeds has the counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

INPUTS = {"runs": "features/{reseeded}/seeds.tsv"}
TOGETHER = "cells"
MATCHED = ("correlation", "cosine", "same_type")
CHANCE = ("correlation_random", "cosine_random", "same_type_chance")


def tabulate(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row an SAE: means over its other seeds.

    Parameters
    ----------
    runs
        Name (dataset/model/sae) to its seeds, itself first
        (:func:`featurelens.features.seeds.compare_seeds`).

    Returns
    -------
    DataFrame
        sae, position, n_seeds (itself among them), correlation, correlation_random, cosine,
        cosine_random, same_type, same_type_chance.
    """
    pairs = [name for both in zip(MATCHED, CHANCE, strict=True) for name in both]
    return pd.DataFrame(
        [
            {"sae": sae, "position": position, "n_seeds": len(table)}
            | {name: table[name].mean() for name in pairs}
            for position, (sae, table) in enumerate(runs.items(), start=1)
        ]
    )
