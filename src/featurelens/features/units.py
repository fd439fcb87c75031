"""Activation of features in the units that are compared: donors, or cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.features.locality import type_moments
from featurelens.stats.ranks import rank_rows, rank_sum
from featurelens.stats.welch import Moments, ratio, t_two_sided, welch

LEAST = 2
"""Fewest donors a side, or pairs, that are tested."""


class FewDonors(ValueError):
    """There are too few donors to test; says how many."""


class Tested(NamedTuple):
    """Statistic, degrees of freedom and two-sided p of each feature, (n_features,)."""

    statistic: NDArray[np.float64]
    df: NDArray[np.float64]
    p: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Units:
    """Two groups of units."""

    moments: tuple[Moments, Moments]
    """Over the units of the first and of the second group."""
    values: tuple[NDArray, NDArray] | sparse.csr_matrix
    """Means of donors, (n_donors, n_features), in the same order where they are paired; or
    activations of the cells of both groups."""
    n_cells: tuple[int, int]
    n_samples: tuple[int, int]
    unit: str
    is_active: NDArray[np.bool_]
    """Whether some cell of either group activates a feature."""
    is_paired: bool = False
    why_no_p: str = ""

    def effect(self) -> NDArray[np.float64]:
        """Difference over the pooled deviation; NaN where nothing varies."""
        first, second = self.moments
        if self.is_paired:
            apart = self._differences()
            return ratio(apart.mean(axis=0), apart.std(axis=0, ddof=1))
        degrees = first.n + second.n - 2
        squares = (first.n - 1) * np.nan_to_num(first.variance)
        squares = squares + (second.n - 1) * np.nan_to_num(second.variance)
        return ratio(second.mean - first.mean, np.sqrt(squares / np.maximum(degrees, 1)))

    def test(self, kind: str) -> Tested:
        """Student's t (Welch, or of pairs), or ranks (Mann-Whitney, or Wilcoxon's of pairs)."""
        if self.is_paired:
            return self._paired_t() if kind == "t" else self._signed_ranks()
        if kind == "t":
            test = welch(self.moments[1], self.moments[0])
            return Tested(test.t, test.df, test.p)
        return self._rank_sums()

    def _differences(self) -> NDArray[np.float64]:
        return self.values[1] - self.values[0]

    def _paired_t(self) -> Tested:
        apart = self._differences()
        n = len(apart)
        t = ratio(apart.mean(axis=0), apart.std(axis=0, ddof=1) / np.sqrt(n))
        df = np.full(t.shape, n - 1.0)
        return Tested(t, df, t_two_sided(t, df))

    def _signed_ranks(self) -> Tested:
        from scipy import stats

        apart = self._differences()
        varies = (apart != 0).any(axis=0)
        statistic, p = np.full((2, apart.shape[1]), np.nan)
        for feature in np.flatnonzero(varies):
            test = stats.wilcoxon(apart[:, feature])
            statistic[feature], p[feature] = test.statistic, test.pvalue
        return Tested(statistic, np.full(p.shape, np.nan), p)

    def _rank_sums(self) -> Tested:
        n = [int(np.max(moments.n)) for moments in self.moments]
        if isinstance(self.values, tuple):
            blocks = [np.concatenate([self.values[1], self.values[0]]).T]
        else:
            both = self.values.T.tocsr()
            blocks = [both[row : row + 64].toarray() for row in range(0, both.shape[0], 64)]
        totals, ties = [], []
        for block in blocks:
            ranks, tie = rank_rows(block)
            totals.append(ranks[:, : n[1]].sum(axis=1))
            ties.append(tie)
        test = rank_sum(np.concatenate(totals), n[1], sum(n), np.concatenate(ties))
        return Tested(test.z, np.full(test.z.shape, np.nan), test.p)


def cell_units(
    activations: sparse.csr_matrix, sides: Sequence[NDArray[np.bool_]], *, why_no_p: str = ""
) -> Units:
    """The cells themselves, zeros included."""
    rows = [np.flatnonzero(side) for side in sides]
    both = activations[np.concatenate(rows[::-1])]  # the second group first, as ranks take it
    codes = np.repeat([1, 0], [len(rows[1]), len(rows[0])])
    inside = type_moments(both, codes, n_types=2).inside
    moments = [
        Moments(inside.n[side, 0], inside.mean[side], inside.variance[side]) for side in (0, 1)
    ]
    return Units(
        moments=(moments[0], moments[1]),
        values=both,
        n_cells=(len(rows[0]), len(rows[1])),
        n_samples=(0, 0),
        unit="cell",
        is_active=both.getnnz(axis=0) > 0,
        why_no_p=why_no_p,
    )


def donor_units(
    activations: sparse.csr_matrix,
    sides: Sequence[NDArray[np.bool_]],
    donors: NDArray,
    *,
    min_cells: int,
) -> Units:
    """Mean activation of each donor in either group.

    Donors with cells in both groups are compared with themselves; the others are then left out.

    Raises
    ------
    FewDonors
        If a side has fewer than :data:`LEAST` donors of at least ``min_cells`` cells.
    """
    counts = [pd.Series(donors[side]).value_counts() for side in sides]
    enough = [count[count >= min_cells].index.astype(str).sort_values() for count in counts]
    in_both = enough[0].intersection(enough[1])
    is_paired = len(in_both) > 0
    kept = [in_both, in_both] if is_paired else enough
    if min(map(len, kept)) < LEAST:
        raise FewDonors(_few([len(names) for names in kept], is_paired, min_cells))
    means, n_cells, active = [], [], np.zeros(activations.shape[1], dtype=bool)
    for side, names in zip(sides, kept, strict=True):
        code = pd.Categorical(donors, categories=names).codes
        rows = np.flatnonzero(side & (code >= 0))
        members = sparse.csr_matrix(
            (np.ones(len(rows)), (code[rows], np.arange(len(rows)))), (len(names), len(rows))
        )
        size = np.bincount(code[rows], minlength=len(names))[:, None]
        means.append(np.asarray((members @ activations[rows].astype(np.float64)).todense()) / size)
        n_cells.append(len(rows))
        active |= activations[rows].getnnz(axis=0) > 0
    moments = [
        Moments(np.array(float(len(each))), each.mean(axis=0), each.var(axis=0, ddof=1))
        for each in means
    ]
    return Units(
        moments=(moments[0], moments[1]),
        values=(means[0], means[1]),
        n_cells=(n_cells[0], n_cells[1]),
        n_samples=(len(kept[0]), len(kept[1])),
        unit="donor",
        is_active=active,
        is_paired=is_paired,
    )


def _few(numbers: Sequence[int], is_paired: bool, min_cells: int) -> str:
    who = f"{numbers[0]} in both groups" if is_paired else f"{numbers[0]} and {numbers[1]}"
    return (
        f"too few donors with {min_cells} cells a group ({who}; {LEAST} a side are needed), and "
        "cells are no replicates"
    )
