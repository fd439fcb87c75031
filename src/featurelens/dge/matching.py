"""Low cells of the high cells' own types and batches: the contrast within type.

High and low cells of most features differ in cell type first, and the genes that tell them apart
tell of that type. Here the high cells of a stratum, one type in one batch, meet the low cells of
the same stratum, and strata are weighted by their high cells: low cells count as if they had the
high cells' types and batches. No cell is drawn at random and none that matches is left out.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.datasets.unknown_types import alone_if_unknown
from featurelens.dge.cell_sets import CellSets, ones
from featurelens.dge.config import DgeConfig
from featurelens.stats import welch
from featurelens.stats.arrays import Floats


@dataclass(frozen=True)
class MatchedSets:
    """High cells of the features with the low cells of their strata.

    Parameters
    ----------
    columns, n_high, n_low, n_unmatched, low_rule
        (n_tested,). ``n_unmatched`` counts high cells without low cells; they are left out.
    parts
        High and low cells, one row for a feature and a stratum that holds both; complements are
        taken within the stratum.
    bounds
        (n_tested + 1,) rows of ``parts`` that belong to each feature.
    stratum
        (n_rows,) stratum of each row.
    strata
        (n_cells,) stratum of each cell.
    unmatched
        Columns of the features that are not tested because too few of their cells match.
    """

    columns: NDArray[np.int64]
    n_high: NDArray[np.int64]
    n_low: NDArray[np.int64]
    n_unmatched: NDArray[np.int64]
    low_rule: NDArray[np.str_]
    parts: CellSets
    bounds: NDArray[np.int64]
    stratum: NDArray[np.int64]
    strata: NDArray[np.int64]
    unmatched: NDArray[np.int64]

    def rows(self, chunk: slice) -> "MatchedSets":
        """The same for some of the features; ``chunk`` has no step."""
        first, last, _ = chunk.indices(len(self.columns))
        inside = slice(self.bounds[first], self.bounds[max(first, last)])
        per_feature = ("columns", "n_high", "n_low", "n_unmatched", "low_rule")
        return replace(
            self,
            parts=self.parts.rows(inside),
            bounds=self.bounds[first : max(first, last) + 1] - self.bounds[first],
            stratum=self.stratum[inside],
            **{name: getattr(self, name)[chunk] for name in per_feature},
        )

    def permuted(self, order: NDArray[np.integer]) -> "MatchedSets":
        """As :meth:`CellSets.permuted`; ``order`` must leave every cell within its stratum."""
        if not np.array_equal(self.strata[order], self.strata):
            raise ValueError("matched cells can change places within their stratum only")
        return replace(self, parts=self.parts.permuted(order))

    def describe(self) -> str:
        """One line for a log."""
        n_high = int(self.n_high.sum() + self.n_unmatched.sum())
        return (
            f"within type and batch: {len(self.columns)} features compared, "
            f"{len(self.unmatched)} with too few matched cells; "
            f"{int(self.n_unmatched.sum())} of {n_high} high cells left out for want of low cells"
        )


def cell_strata(cells: pd.DataFrame) -> NDArray[np.int64]:
    """A number for each cell's type and batch, from the columns ``cell_type`` and ``batch``.

    A cell whose type is not known is alone in its stratum, so that it is compared with none.
    """
    groups = cells.groupby(["cell_type", "batch"], observed=True, sort=True)
    numbers = np.asarray(groups.ngroup(), dtype=np.int64)
    return alone_if_unknown(numbers, cells["cell_type"].to_numpy())


def match_cells(sets: CellSets, strata: NDArray[np.integer], *, config: DgeConfig) -> MatchedSets:
    """Compare high and low cells within strata.

    A feature is left out where fewer than ``min_cells`` high cells have at least ``min_matched``
    low cells of their own stratum, or where all those high cells are of different strata.

    Parameters
    ----------
    sets
        High and low cells of the features (:func:`featurelens.dge.cell_sets.split_cells`).
    strata
        (n_cells,) numbers from 0, see :func:`cell_strata`.
    """
    n_cells, n_strata = len(strata), int(strata.max(initial=-1)) + 1
    order = np.argsort(strata, kind="stable").astype(np.int32)
    strata_bounds = np.searchsorted(strata[order], np.arange(n_strata + 1))
    high, other, rows, features = [], [], [], []
    for feature in range(len(sets.columns)):
        label = _labels(sets, feature, n_cells)
        n_high, n_low = (np.bincount(strata[label == k], minlength=n_strata) for k in (_HIGH, _LOW))
        used = (n_high > 0) & (n_low >= config.min_matched)
        n_matched = int(n_high[used].sum())
        if n_matched < max(config.min_cells, int(used.sum()) + 1):
            continue
        features.append((feature, n_matched, n_low[used].sum(), n_high[~used].sum(), used.sum()))
        for stratum in np.flatnonzero(used):
            cells = order[strata_bounds[stratum] : strata_bounds[stratum + 1]]
            kind = label[cells]
            middle = cells[kind == _MIDDLE]
            is_complement = len(middle) < n_low[stratum]
            high.append(cells[kind == _HIGH])
            other.append(middle if is_complement else cells[kind == _LOW])
            rows.append((stratum, is_complement, n_high[stratum], n_low[stratum]))
    table = np.array(features, dtype=np.int64).reshape(-1, 5)
    part = np.array(rows, dtype=np.int64).reshape(-1, 4)
    tested = table[:, 0]
    owner = np.repeat(tested, table[:, 4])
    return MatchedSets(
        columns=sets.columns[tested],
        n_high=table[:, 1],
        n_low=table[:, 2],
        n_unmatched=table[:, 3],
        low_rule=sets.low_rule[tested],
        parts=CellSets(
            columns=sets.columns[owner],
            high=ones(high, n_cells),
            other=ones(other, n_cells),
            complement=part[:, 1].astype(bool),
            n_high=part[:, 2],
            n_low=part[:, 3],
            low_rule=sets.low_rule[owner],
        ),
        bounds=np.concatenate([[0], np.cumsum(table[:, 4])]),
        stratum=part[:, 0],
        strata=np.asarray(strata, dtype=np.int64),
        unmatched=np.delete(sets.columns, tested),
    )


_LOW, _HIGH, _MIDDLE = 0, 1, 2


def _labels(sets: CellSets, feature: int, n_cells: int) -> NDArray[np.int8]:
    """Which set of a feature each cell is in."""
    is_complement = bool(sets.complement[feature])
    label = np.full(n_cells, _LOW if is_complement else _MIDDLE, dtype=np.int8)
    label[_cells(sets.other, feature)] = _MIDDLE if is_complement else _LOW
    label[_cells(sets.high, feature)] = _HIGH
    return label


def _cells(sets: sparse.csr_matrix, row: int) -> NDArray[np.integer]:
    return sets.indices[sets.indptr[row] : sets.indptr[row + 1]]


def over_strata(
    sets: MatchedSets, high: welch.Moments, low: welch.Moments
) -> tuple[welch.Estimate, welch.Estimate]:
    """High and low mean of every feature, strata weighted by their high cells.

    Given the strata, the high cells' mean varies only by their variance within strata: pooled,
    sum (n_s - 1) v_s / (n - S). The weighted low mean has error sum w_s^2 v_s / n_s.
    """
    first = sets.bounds[:-1]

    def total(values: Floats) -> Floats:
        return np.add.reduceat(values, first, axis=0) if len(first) else values[:0]

    n_strata = np.diff(sets.bounds)[:, None].astype(np.float64)
    n_high = sets.n_high[:, None].astype(np.float64)
    weight = high.n / np.repeat(n_high, np.diff(sets.bounds), axis=0)
    spread = total(np.where(high.n > 1, (high.n - 1) * high.variance, 0.0))
    df_high = n_high - n_strata
    error = weight**2 * low.variance / low.n
    error_low = total(error)
    df_low = welch.ratio(error_low**2, total(error**2 / (low.n - 1)))
    df_low = np.where(error_low > 0, df_low, 1.0)
    return (
        welch.Estimate(total(weight * high.mean), spread / df_high / n_high, df_high),
        welch.Estimate(total(weight * low.mean), error_low, df_low),
    )
