"""P-values from a permutation null, shared by features of similar cell counts.

Genes move together, so what a whole gene set does varies more than its genes apart would suggest,
each set by its own measure (variance inflation: Wu & Smyth 2012). Permuting cells keeps the genes'
correlation and removes the feature's meaning.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featurelens.stats.arrays import Floats
from featurelens.threads import in_threads

_TERMS_AT_ONCE = 128
_HELD_OUT = 5


@dataclass(frozen=True)
class Calibration:
    """The null of every bin of features with low sets of similar size.

    ``bins`` lists the features of each; ``centre`` and ``scale`` are (n_bins, n_terms).
    ``distance`` (n_draws, n_features, n_terms) holds every null score in units of its term's
    spread, and ``pools`` the sorted distances of each bin, over draws, features and terms.
    """

    bins: tuple[NDArray[np.int64], ...]
    centre: Floats
    scale: Floats
    distance: NDArray[np.float32]
    pools: tuple[NDArray[np.float32], ...]

    @property
    def resolution(self) -> float:
        """The smallest p that the smallest pool can give."""
        return min((2 / (1 + len(pool)) for pool in self.pools), default=np.nan)

    def p(self, score: NDArray, *, threads: int = 1) -> tuple[Floats, NDArray[np.bool_]]:
        """Two-sided p of scores of the same features, and whether each lies above its null.

        Up and down are told apart: p is twice the share of the null that lies as far or further
        out on the same side, 2 (1 + count) / (1 + total), because null scores are often skewed.

        Parameters
        ----------
        score
            (n_features, n_terms), NaN where there is none.

        Returns
        -------
        p, above
            (n_features, n_terms); p is NaN where the score is NaN or a term's null does not vary.
        """
        p, above = np.full(score.shape, np.nan), np.zeros(score.shape, dtype=bool)

        def fill(number: int) -> None:
            rows = self.bins[number]
            distance = ((score[rows] - self.centre[number]) / self.scale[number]).astype(np.float32)
            p[rows], above[rows] = _two_sided(distance, self.pools[number]), distance > 0

        for _ in in_threads(fill, range(len(self.bins)), threads):
            pass
        return p, above

    def held_out(self, draw: int, *, threads: int = 1) -> tuple[Floats, NDArray[np.bool_]]:
        """As :meth:`p`, of one of the draws, against all others."""
        distances = self.distance[draw]
        p = np.full(distances.shape, np.nan)

        def fill(number: int) -> None:
            rows = self.bins[number]
            p[rows] = _two_sided(distances[rows], self.pools[number], within=True)

        for _ in in_threads(fill, range(len(self.bins)), threads):
            pass
        return p, distances > 0


def calibrate(
    score: NDArray[np.float32], n_low: NDArray, *, per_bin: int = 50, threads: int = 1
) -> Calibration:
    """Prepare a null for calibrating scores.

    Within bins of features whose low sets are similar in size (which orders features by their
    active cells, too) the scores of a term are centred and scaled by that term's null mean and
    standard deviation. A null score is measured by the other draws, without its own, as a score
    that is calibrated has no part in the null: measured by a mean and a spread that it took part
    in, it would seem too near, and with few draws up to eight in a hundred held-out p would fall
    below .05.

    Parameters
    ----------
    score
        (n_draws, n_features, n_terms) scores under permutation, at least two draws. They are
        OVERWRITTEN with distances, because at full size a second copy would be a gigabyte.
    n_low
        (n_features,) size of the low set.
    per_bin
        Features per bin, at least.
    """
    bins = tuple(_bins(n_low, per_bin))
    n_terms = score.shape[2]
    centre, scale = np.full((2, len(bins), n_terms), np.nan)

    def fill(number: int) -> NDArray[np.float32]:
        rows = bins[number]
        for start in range(0, n_terms, _TERMS_AT_ONCE):
            terms = slice(start, start + _TERMS_AT_ONCE)
            null = score[:, rows, terms].astype(np.float64)
            centre[number, terms], scale[number, terms], distance = _standardised(null)
            score[:, rows, terms] = distance
        pool = np.sort(score[:, rows], axis=None)  # NaN last
        return pool[: len(pool) - int(np.isnan(pool).sum())]

    pools = tuple(in_threads(fill, range(len(bins)), threads))
    return Calibration(bins, centre, scale, score, pools)


def held_out_rates(
    score: NDArray[np.float32], n_low: NDArray, *, bound: float = 0.05, threads: int = 1
) -> Floats:
    """Share of p below ``bound`` in draws that had no part in the calibration.

    Some draws of each half, at most :data:`_HELD_OUT`, are calibrated by the other half. (Ranks of
    every draw among all others would have the right share by construction.) NaN for the other
    draws, and for all where there are fewer than four.
    """
    rates, half = np.full(len(score), np.nan), len(score) // 2
    if half < 2:
        return rates
    for inside, outside in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
        calibration = calibrate(score[inside].copy(), n_low, threads=threads)
        for draw in range(len(score))[outside][:_HELD_OUT]:
            p, _ = calibration.p(score[draw], threads=threads)
            n_known = int((~np.isnan(p)).sum())
            rates[draw] = (p < bound).sum() / n_known if n_known else np.nan
    return rates


def _standardised(null: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and deviation of every term, and each score's distance by those of the other draws.

    ``null`` is (n_draws, n_features, n_terms).
    """
    n = (~np.isnan(null)).sum(axis=1).astype(float)  # of each draw
    total_n = n.sum(axis=0)
    middle = _mean(np.nansum(null, axis=(0, 1)), total_n)
    null = null - middle
    total, squares = np.nansum(null, axis=1), np.nansum(null**2, axis=1)
    everything = (total_n, total.sum(axis=0), squares.sum(axis=0))
    centre, scale = _centre_and_scale(*everything)
    others = (whole - own for whole, own in zip(everything, (n, total, squares), strict=True))
    its_centre, its_scale = _centre_and_scale(*others)
    return centre + middle, scale, (null - its_centre[:, None]) / its_scale[:, None]


def _centre_and_scale(n: Floats, total: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation from sums; NaN where scores do not vary."""
    centre = _mean(total, n)
    variance = _mean(squares, n) - centre**2
    varies = variance > 1e-12 * np.abs(_mean(squares, n))
    return centre, np.sqrt(np.where(varies, variance, np.nan))


def _mean(total: Floats, n: Floats) -> Floats:
    return np.divide(total, n, out=np.full(np.shape(n), np.nan), where=n > 0)


def _two_sided(
    distance: NDArray[np.float32], pool: NDArray[np.float32], *, within: bool = False
) -> Floats:
    """Twice the share of the pool beyond each distance on its side.

    ``within`` says that the distances are part of the pool, from which they are left out.
    """
    flat = distance.ravel()
    order = np.argsort(flat)  # sorted, they are looked up several times as fast; NaN last
    ordered = flat[order[: int((~np.isnan(flat)).sum())]]
    further, total = _further_out(ordered, pool), len(pool)
    if within:
        further, total = further - _further_out(ordered, ordered), total - len(ordered)
    p = np.full(len(flat), np.nan)
    p[order[: len(ordered)]] = np.minimum(1.0, 2 * (1 + further.min(axis=0)) / (1 + total))
    return p.reshape(distance.shape)


def _further_out(ordered: NDArray, pool: NDArray) -> NDArray[np.int64]:
    """How many of a sorted pool are at most, and at least, as large as each; (2, n)."""
    return np.stack(
        [
            np.searchsorted(pool, ordered, side="right"),
            len(pool) - np.searchsorted(pool, ordered, side="left"),
        ]
    )


def _bins(n_low: NDArray, per_bin: int) -> list[NDArray[np.int64]]:
    """Rows by quantile of ``n_low``; equal sizes stay together."""
    if not len(n_low):
        return []
    n_bins = max(1, len(n_low) // per_bin)
    edges = np.unique(np.quantile(n_low, np.arange(1, n_bins) / n_bins, method="lower"))
    label = np.searchsorted(edges, n_low, side="left")
    return [np.flatnonzero(label == number) for number in np.unique(label)]
