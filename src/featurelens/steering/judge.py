"""How well an edit does what it is for, by measures that hold for any direction.

efficiency: how much nearer cells come to the target's mean, per length of their way (-1 to 1);
elsewhere: the same towards whichever other type they approach most; specificity: mean absolute
effect on the genes that truly differ between origin and target, over the sum of it and that on
expressed genes that do not (one half: no difference is made between them); precision: share of the
50 genes with the largest effects that are among the 50 that differ most, in the same direction.
Means of types and true differences come from cells that no direction was fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import stdtrit

from featurelens.steering.effects import Reading, closed
from featurelens.steering.movement import Centroids, movement
from featurelens.steering.truth import Truth

MEASURES = ("efficiency", "elsewhere", "specificity", "precision")
"""In the order of tables; the last two need a decoder."""
LEVEL = 0.95
"""Of every interval."""


@dataclass(frozen=True)
class Judge:
    """What edits of the same cells are measured by."""

    before: np.ndarray
    """Embedding of the cells, (n, d)."""
    centroids: Centroids
    target: str
    origin: str
    donor: np.ndarray
    """Of every cell, (n,)."""
    draws: np.ndarray
    """Weights of cells in draws with replacement, (n_draws, n); rows sum to 1."""
    reading: Reading | None = None
    """None where nothing decodes."""
    truth: Truth | None = None
    """None where nothing decodes, or no cell is held out."""

    def measure(self, after: np.ndarray, *, intervals: bool = True) -> dict[str, Any]:
        """Measures of one edit, over cells and, where there are several, over donors.

        Returns
        -------
        dict
            displacement (mean length of the way), way (share of the mean distance to the target
            that is covered), and each of :data:`MEASURES`; with ``intervals`` also its _low and
            _high (quantiles over draws of cells) and _donor_low and _donor_high (t interval over
            the donors' values; NaN with fewer than two). NaN where it cannot be computed.
        """
        moved = movement(self.before, after, self.centroids, target=self.target, origin=self.origin)
        every = np.full((1, len(after)), 1 / len(after))
        groups = [every, self.draws, self._donors()] if intervals else [every]
        values = self._by_weights(after, moved, groups)
        row: dict[str, Any] = {"displacement": moved.displacement.mean(), "way": moved.way}
        for name in MEASURES:
            row[name] = float(values[name][0][0])
            if intervals:
                row |= _intervals(name, *values[name][1:])
        return row

    @cached_property
    def _logarithms(self) -> np.ndarray:
        return self.reading.logarithms(self.before)  # type: ignore[union-attr]

    @cached_property
    def _shares(self) -> np.ndarray:
        return self.reading.shares(self.before)  # type: ignore[union-attr]

    def _donors(self) -> np.ndarray:
        """Weights that take the mean over each donor's cells, (n_donors, n)."""
        of = np.asarray(self.donor, dtype=str)
        masks = np.stack([of == name for name in sorted(set(of))]).astype(float)
        return masks / masks.sum(axis=1, keepdims=True)

    def _by_weights(
        self, after: np.ndarray, moved: Any, groups: list[np.ndarray]
    ) -> dict[str, list[np.ndarray]]:
        """Each measure by each row of each group of weights."""
        values = {
            name: [_mean(weights, getattr(moved, name)) for weights in groups]
            for name in ("efficiency", "elsewhere")
        }
        if self.reading is None or self.truth is None:
            nothing = [np.full(len(weights), np.nan) for weights in groups]
            return values | {"specificity": nothing, "precision": nothing}
        ratios = self.reading.logarithms(after) - self._logarithms
        composition = self.reading.composition
        of_groups = [
            closed(weights.astype(np.float32) @ ratios, self._shares, composition)
            for weights in groups
        ]
        return values | {
            "specificity": [specificity(effects, self.truth) for effects in of_groups],
            "precision": [precision(effects, self.truth) for effects in of_groups],
        }


def specificity(effects: np.ndarray, truth: Truth) -> np.ndarray:
    """Effect on genes that differ over that plus the effect on those that do not, (n,).

    Parameters
    ----------
    effects
        (n, n_genes).
    """
    on = np.abs(effects[:, truth.different]).mean(axis=1)
    off = np.abs(effects[:, truth.alike]).mean(axis=1) if len(truth.alike) else np.zeros(len(on))
    return np.divide(on, on + off, out=np.full(len(on), np.nan), where=on + off > 0)


def precision(effects: np.ndarray, truth: Truth) -> np.ndarray:
    """Share of the genes of largest effect that differ most, in the same direction, (n,).

    As many genes are taken of either (:attr:`featurelens.steering.truth.Truth.n_true`). NaN where
    nothing moves.
    """
    sign = np.zeros(effects.shape[1])
    sign[truth.different] = np.sign(truth.t[truth.different])
    largest = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, : truth.n_true]
    chosen = np.take_along_axis(effects, largest, axis=1)
    found = (np.sign(chosen) == sign[largest]) & (chosen != 0) & (sign[largest] != 0)
    return np.where((effects != 0).any(axis=1), found.mean(axis=1), np.nan)


def draws_of(n: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Weights of n cells in draws with replacement, (n_draws, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=n_draws) / n


def _mean(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted means over the cells that have a value, (n_weights,)."""
    known = np.isfinite(values)
    total = weights[:, known].sum(axis=1)
    sums = weights[:, known] @ values[known]
    return np.divide(sums, total, out=np.full(len(weights), np.nan), where=total > 0)


def _intervals(name: str, draws: np.ndarray, donors: np.ndarray) -> dict[str, float]:
    tail = (1 - LEVEL) / 2
    known = draws[np.isfinite(draws)]
    low, high = np.quantile(known, [tail, 1 - tail]) if len(known) else (np.nan, np.nan)
    around = donor_interval(donors)
    return {
        f"{name}_low": float(low),
        f"{name}_high": float(high),
        f"{name}_donor_low": around[0],
        f"{name}_donor_high": around[1],
    }


def donor_interval(values: np.ndarray) -> tuple[float, float]:
    """Interval of the mean over donors by Student's t; NaN with fewer than two.

    Examples
    --------
    Of 1 and 3 the mean is 2, its error 1, and t with one degree of freedom 12.7:

    >>> [round(bound, 1) for bound in donor_interval(np.array([1.0, 3.0]))]
    [-10.7, 14.7]
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return float("nan"), float("nan")
    half = stdtrit(len(known) - 1, (1 + LEVEL) / 2) * known.std(ddof=1) / np.sqrt(len(known))
    return float(known.mean() - half), float(known.mean() + half)
