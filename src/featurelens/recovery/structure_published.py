"""Structure recovery as the author computes it, genes that are zero in every cell among the others.

Such a gene resembles no neuron: its similarities are zeros. They lower the percentiles of all
similarities, and its true edges stay in the programs, where no neuron can hit them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from featurelens.recovery.structure_scores import score_pseudo, summarise

COLUMNS = ("n_covered", "coverage_covered", "coverage_all")
"""The author's numbers of one percentile."""


def score_published(
    similarity: np.ndarray,
    connectivity: np.ndarray,
    has_direction: np.ndarray,
    percentiles: Sequence[float],
) -> pd.DataFrame:
    """Score the pseudo-connectivity of all genes at percentiles of all similarities.

    Parameters
    ----------
    similarity : (n_neurons, n_directed)
        Cosines of the neurons with the genes that have a direction.
    connectivity : (n_genes, n_programs)
        True edges.
    has_direction : (n_genes,) bool
    percentiles
        As of :func:`featurelens.recovery.structure.measure_structure`.

    Returns
    -------
    pandas.DataFrame
        One row per percentile: published_threshold, published_n_covered,
        published_coverage_covered, published_coverage_all.
    """
    n_zeros = int((~has_direction).sum()) * len(similarity)
    thresholds = percentiles_with_zeros(similarity, percentiles, n_zeros).astype(similarity.dtype)
    edges = connectivity.astype(np.float32)
    rows = []
    for threshold in thresholds:
        connected = partial(_connected, similarity, has_direction, threshold)
        found = summarise(score_pseudo(connected, len(similarity), edges))
        rows.append({"threshold": threshold} | {name: found[name] for name in COLUMNS})
    return pd.DataFrame(rows).add_prefix("published_")


def percentiles_with_zeros(
    values: np.ndarray, percentiles: Sequence[float], n_zeros: int
) -> np.ndarray:
    """Percentiles (n_percentiles,) of values and so many zeros, which are not made.

    Examples
    --------
    >>> percentiles_with_zeros(np.array([-1.0, 2.0, 4.0]), [0, 25, 50, 100], 2)  # -1 0 0 2 4
    array([-1.,  0.,  0.,  4.])
    """
    if not n_zeros:
        return np.percentile(values, percentiles)
    flat = values.ravel()
    n_below = int((flat < 0).sum())
    place = (flat.size + n_zeros - 1) * np.asarray(percentiles, dtype=np.float64) / 100
    both = np.stack([np.floor(place), np.ceil(place)]).astype(np.int64)
    at = np.where(both < n_below, both, np.maximum(both - n_zeros, 0))
    ordered = np.partition(flat, np.unique(at))[at].astype(np.float64)
    ordered[(both >= n_below) & (both < n_below + n_zeros)] = 0
    return ordered[0] + (place - both[0]) * (ordered[1] - ordered[0])


def _connected(
    similarity: np.ndarray, has_direction: np.ndarray, threshold: float, part: slice
) -> np.ndarray:
    """Edges (n, n_genes) of some neurons; a gene without direction has similarity zero."""
    block = np.full((len(similarity[part]), len(has_direction)), threshold <= 0)
    block[:, has_direction] = similarity[part] >= threshold
    return block
