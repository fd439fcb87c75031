"""Effects on every gene, as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from featurelens.embeddings.expression import own_library
from featurelens.stats import multiple
from featurelens.stats.negative_binomial import PAIR_COLUMNS, published_pairs
from featurelens.steering.effects import Reading, closed, log2
from featurelens.steering.nulls import Null, rank_p, scores

EFFECT_COLUMNS = (
    *("feature", "role", "cell_type", "convention", "steered_value", "gene"),
    *("mean_control", "mean_steered", "log2_fold", "low", "high"),
    *("score", "p", "q", "null", "n_controls"),
    *PAIR_COLUMNS,
    *("true_log2_fold", "true_t"),
)
"""One row a feature, convention and gene.

mean_control and mean_steered are mean counts, each cell at its own library; log2_fold is the mean
over cells of the log2 ratio of shares plus the pseudocount, under ``corrected`` less the typical
gene's. Corrected: low and high (95 % of draws of cells), score (log2_fold over its spread among
controls), p (rank among n_controls of the kind null), q (Benjamini-Hochberg over genes). Published:
glm_log2_fold, glm_p and glm_q, where the decoder has a dispersion. true_log2_fold and true_t:
measured difference of target and origin in cells held out.
"""
_TAILS = (0.025, 0.975)


def corrected_genes(
    reading: Reading, before: np.ndarray, after: np.ndarray, draws: np.ndarray, null: Null
) -> dict[str, Any]:
    """Effects of an edit that stands among controls.

    Parameters
    ----------
    before, after
        Embeddings of the cells of ``reading``, (n, d).
    draws
        Weights of cells in draws with replacement, (n_draws, n).
    null
        Of the same cells.
    """
    ratios = reading.logarithms(after) - reading.logarithms(before)
    shares = reading.shares(before)
    effect = closed(ratios.mean(axis=0, dtype=np.float64), shares, reading.composition)
    drawn = closed(draws.astype(np.float32) @ ratios, shares, reading.composition)
    low, high = np.quantile(drawn, _TAILS, axis=0)
    controls = closed(null.effects, shares, reading.composition)
    p = rank_p(effect, controls)
    return {
        **_means(reading, before, after),
        "log2_fold": log2(effect),
        "low": log2(low),
        "high": log2(high),
        "score": scores(effect, controls),
        "p": p,
        "q": multiple.bh(p),
        "null": null.kind,
        "n_controls": len(controls),
    }


def published_genes(
    reading: Reading, before: np.ndarray, after: np.ndarray, size: np.ndarray | None
) -> dict[str, Any]:
    """Effects as the author has them: each cell's own library, a regression over cells.

    Parameters
    ----------
    size
        The decoder's dispersion, (n_genes,); without it nothing is tested.
    """
    control, steered = (_counts(reading, z) for z in (before, after))
    effect = reading.mean_logarithms(after) - reading.mean_logarithms(before)
    return {
        "mean_control": control.mean(axis=0, dtype=np.float64),
        "mean_steered": steered.mean(axis=0, dtype=np.float64),
        "log2_fold": log2(effect),
        **published_pairs(control, steered, size),
    }


def effect_table(about: dict[str, Any], columns: dict[str, Any]) -> pd.DataFrame:
    """A table in the columns of :data:`EFFECT_COLUMNS`; what is not given is missing."""
    return pd.DataFrame(about | columns).reindex(columns=list(EFFECT_COLUMNS))


def _means(reading: Reading, before: np.ndarray, after: np.ndarray) -> dict[str, np.ndarray]:
    pairs = {"mean_control": before, "mean_steered": after}
    return {name: _counts(reading, z).mean(axis=0, dtype=np.float64) for name, z in pairs.items()}


def _counts(reading: Reading, z: np.ndarray) -> np.ndarray:
    """Expected counts of the cells at their own libraries, (n, n_genes)."""
    library, _ = own_library(reading.bundle)
    return reading.bundle.decode(z, rows=reading.rows, library=library[reading.rows])
