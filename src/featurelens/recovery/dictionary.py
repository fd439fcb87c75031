"""Does a dictionary hold the true features? Metrics that need true directions and activations.

Every metric stands beside its value for random directions of the same number that fire equally
often: in few dimensions, and with many features, a random dictionary is near everything.

Sources: SynthSAEBench (arXiv 2602.14687; matched cosine, precision, recall, F1, uniqueness) and
Sharkey et al. 2022 (mean of the largest cosine).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from featurelens.sae.random_directions import unit_rows
from featurelens.stats.pairs import best_pairs

NEAR = 0.9
"""Cosine from which a true feature counts as found."""


@dataclass(frozen=True)
class Match:
    """A dictionary against the true features; NaN where it has no live feature."""

    n_live: int
    """Features that fire in some cell."""
    mcc: float
    """Mean absolute cosine of true and found directions, matched one to one for the largest sum."""
    matched_cosine: float
    """The same with signs: a feature that fires on the opposite of a true one does not match it."""
    mmcs: float
    """Mean over true features of the largest cosine with any found direction."""
    found: float
    """Share of the true features with such a cosine of at least .9."""
    precision: float
    """Share of the cells in which a feature fires where its nearest true one does: mean over
    features."""
    recall: float
    """Share of the cells in which the nearest true feature fires where the feature does: mean."""
    f1: float
    """Harmonic mean of both, feature by feature: mean."""
    uniqueness: float
    """True features that are the nearest of some feature, over the number of features."""


def match_dictionary(
    directions: np.ndarray, codes: np.ndarray, true_directions: np.ndarray, truth: np.ndarray
) -> Match:
    """Compare found features with the true ones.

    Parameters
    ----------
    directions : (n_found, d)
        What a unit of each feature adds to the reconstruction.
    codes : (n_cells, n_found)
        Activations; a feature fires where they exceed 0. Features that never fire are left out.
    true_directions : (n_true, d)
    truth : (n_cells, n_true)
        True activations, 0 where a feature does not fire.
    """
    live = (codes > 0).any(axis=0)
    directions, fires = unit_rows(directions[live]), codes[:, live] > 0
    if not len(directions):
        return Match(0, *[float("nan")] * 8)
    cosine = unit_rows(true_directions) @ directions.T  # (n_true, n_found)
    nearest = cosine.argmax(axis=0)
    present = (truth > 0)[:, nearest]
    both = (fires & present).sum(axis=0)
    precision = both / fires.sum(axis=0)
    recall = both / np.maximum(present.sum(axis=0), 1)
    f1 = 2 * both / (fires.sum(axis=0) + present.sum(axis=0))
    largest = cosine.max(axis=1)
    return Match(
        n_live=len(directions),
        mcc=_matched(np.abs(cosine)),
        matched_cosine=_matched(cosine),
        mmcs=float(largest.mean()),
        found=float((largest >= NEAR).mean()),
        precision=float(precision.mean()),
        recall=float(recall.mean()),
        f1=float(f1.mean()),
        uniqueness=len(np.unique(nearest)) / len(directions),
    )


def describe_match(found: Match, random: list[Match]) -> dict[str, float]:
    """Columns of a table: every metric, and ``random_<metric>``, its mean over random ones."""
    columns: dict[str, float] = asdict(found)
    for name in columns.keys() - {"n_live"}:
        values = [getattr(match, name) for match in random]
        columns[f"random_{name}"] = float(np.mean(values)) if values else float("nan")
    order = [name for stem in asdict(found) for name in (stem, f"random_{stem}")]
    return {name: columns[name] for name in order if name in columns}


def _matched(similarity: np.ndarray) -> float:
    return float(best_pairs(similarity).similarity.mean())
