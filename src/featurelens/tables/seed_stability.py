"""**Seeds.** What the seeds of one SAE have in common: numbers of live, local, regional, global and
dead features, mean over seeds and standard error (published: deviation of the population over the
root of their number, as in Table S6); and whether they are the same features: correlation of the
activations and cosine of the decoder rows of features matched one to one, and pairs of one
locality, each beside what random directions, or pairs that exchange partners, have.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from featurelens.conventions import CONVENTIONS
from featurelens.features.seeds import KINDS

INPUTS = {"runs": "features/{reseeded}/seeds.tsv"}
TOGETHER = "cells"
MATCHED = ("correlation", "cosine", "same_type")


def tabulate(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row an SAE and convention.

    Parameters
    ----------
    runs
        Name (dataset/model/sae) to its seeds, itself first
        (:func:`featurelens.features.seeds.compare_seeds`).

    Returns
    -------
    DataFrame
        sae, position, convention, n_seeds; of each kind of feature its mean, ``*_sem`` and least
        and most (``*_min``, ``*_max``); correlation, cosine and same_type, means over the other
        seeds, with ``correlation_random``, ``cosine_random`` and ``same_type_chance``.
    """
    rows: list[dict[str, object]] = []
    for position, (sae, table) in enumerate(runs.items(), start=1):
        for convention in CONVENTIONS:
            suffix, ddof = ("_published", 0) if convention == "published" else ("", 1)
            about = {"sae": sae, "position": position, "convention": convention}
            counts = {
                name: value
                for kind in KINDS
                for name, value in _spread(kind, table[kind + suffix].to_numpy(), ddof).items()
            }
            names = [*MATCHED, "correlation_random", "cosine_random", "same_type_chance"]
            means = {name: table[name].mean() for name in names}
            rows.append({**about, "n_seeds": len(table), **counts, **means})
    return pd.DataFrame(rows)


def _spread(kind: str, counts: np.ndarray, ddof: int) -> dict[str, float]:
    n = len(counts)
    error = counts.std(ddof=ddof) / np.sqrt(n) if n > ddof else np.nan
    return {
        kind: counts.mean(),
        f"{kind}_sem": error,
        f"{kind}_min": counts.min(),
        f"{kind}_max": counts.max(),
    }
