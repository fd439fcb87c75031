"""High and low cells of every feature: who is compared with whom, in two conventions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.conventions import Convention
from featurelens.dge.config import DgeConfig

LOW_RULES = ("lowest", "zeros", "sample", "first")


@dataclass(frozen=True)
class CellSets:
    """High and low cells of the features that are tested.

    ``high`` and ``other`` are (n_tested, n_cells) CSR of ones, disjoint. The low cells are those of
    ``other`` or, where ``complement`` is true, all cells in neither: whichever is shorter to list.
    """

    columns: NDArray[np.int64]
    high: sparse.csr_matrix
    other: sparse.csr_matrix
    complement: NDArray[np.bool_]
    n_high: NDArray[np.int64]
    n_low: NDArray[np.int64]
    low_rule: NDArray[np.str_]

    def rows(self, chunk: slice) -> "CellSets":
        """The same for some of the features."""
        return CellSets(*(getattr(self, name)[chunk] for name in self.__dataclass_fields__))

    def permuted(self, order: NDArray[np.integer]) -> "CellSets":
        """The sets of activations whose cells change places: cell i of a set becomes order[i].

        Testing them equals testing these sets on ``expression[order]``, without a copy of it.
        ``order`` holds every cell once.
        """
        moved = {name: _moved(getattr(self, name), order) for name in ("high", "other")}
        return replace(self, **moved)

    def low(self) -> sparse.csr_matrix:
        """The low cells themselves, (n_tested, n_cells) CSR of ones."""
        listed = np.asarray((self.high + self.other).todense(), dtype=bool)
        low = np.where(self.complement[:, None], ~listed, self.other.toarray().astype(bool))
        return sparse.csr_matrix(low, dtype=np.int8)


def group_sizes(
    activations: sparse.spmatrix,
    *,
    config: DgeConfig,
    convention: Convention,
) -> pd.DataFrame:
    """What became of every feature: tested, or why not.

    Returns
    -------
    DataFrame
        One row per feature: feature, n_active, n_high, n_low, low_rule and status, which is
        tested, dead, "exactly 100 active cells" (published: the author's filter),
        "too few active cells" or "too few low cells" (corrected).
    """
    return split_features(activations, config=config, convention=convention)[0]


def split_features(
    activations: sparse.spmatrix, *, config: DgeConfig, convention: Convention
) -> tuple[pd.DataFrame, "CellSets"]:
    """The table of :func:`group_sizes` and the sets of :func:`split_cells`, in one pass."""
    table, sets = _split(activations, config, convention)
    names = [str(number) for number in range(activations.shape[1])]
    return pd.DataFrame({"feature": names} | table), sets


def describe_sizes(sizes: pd.DataFrame) -> str:
    """One line for a log, from the table of :func:`group_sizes`."""
    counts = sizes["status"].value_counts()
    lowest = int((sizes["low_rule"] == "lowest").sum())
    parts = [f"{status} {count}" for status, count in counts.items()]
    return (
        f"{len(sizes)} features: {', '.join(parts)}; "
        f"low set of the lowest instead of inactive cells: {lowest}"
    )


def split_cells(
    activations: sparse.spmatrix,
    *,
    config: DgeConfig,
    convention: Convention,
    only: Sequence[int] | None = None,
) -> CellSets:
    """High and low cells of every testable feature, or of some (``only``, their numbers).

    published (author's ``02_automated_geneset_analysis_faster.py``): high cells exceed the
    percentile over all cells, zeros included; low cells are all zeros, or ``max_low_cells`` of
    them (``low_cells``). Features with exactly 100 active cells are lost, as in the author's code.
    corrected: high cells are the top (100 - percentile) % of all cells (at least ``min_cells``),
    or all active cells when those are fewer; low cells are all zeros or, where fewer than
    ``min_zero_cells`` are zero, the lowest ``low_percentile`` %. Cells tied at a bound go together.
    The sets are disjoint.
    """
    return _split(activations, config, convention, only)[1]


@dataclass(frozen=True)
class _Sets:
    """One feature's sets, as masks over the cells, or why it has none."""

    status: str
    high: NDArray[np.bool_]
    low: NDArray[np.bool_]
    low_rule: str = ""


def _split(
    activations: sparse.spmatrix,
    config: DgeConfig,
    convention: Convention,
    only: Sequence[int] | None = None,
) -> tuple[dict[str, NDArray], CellSets]:
    """Sizes and status of the features, and the sets of those that are tested."""
    rule = _published_sets if convention == "published" else _corrected_sets
    columns = sparse.csc_matrix(activations)
    n_cells, n_features = columns.shape
    values = np.zeros(n_cells, dtype=columns.dtype)
    features = np.arange(n_features) if only is None else np.asarray(only, dtype=np.int64)
    rows, high, other, complement = [], [], [], []
    for feature in features:
        span = slice(columns.indptr[feature], columns.indptr[feature + 1])
        values[columns.indices[span]] = columns.data[span]
        sets = rule(values, config, feature)
        if sets.status == "tested":
            n_low = sets.low.sum()
            complement.append(n_cells - sets.high.sum() - n_low < n_low)
            high.append(_cells(sets.high))
            other.append(_cells(~(sets.high | sets.low) if complement[-1] else sets.low))
        n_active = int((values > 0).sum())
        rows.append((n_active, sets.high.sum(), sets.low.sum(), sets.low_rule, sets.status))
        values[columns.indices[span]] = 0
    kinds = {"n_active": int, "n_high": int, "n_low": int, "low_rule": str, "status": str}
    table: dict[str, NDArray] = {
        name: np.array([row[place] for row in rows], dtype=kind)
        for place, (name, kind) in enumerate(kinds.items())
    }
    tested = np.flatnonzero(table["status"] == "tested")
    return table, CellSets(
        columns=features[tested],
        high=ones(high, n_cells),
        other=ones(other, n_cells),
        complement=np.array(complement, dtype=bool),
        n_high=table["n_high"][tested],
        n_low=table["n_low"][tested],
        low_rule=table["low_rule"][tested],
    )


def _cells(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.flatnonzero(mask).astype(np.int32)


def _published_sets(values: NDArray, config: DgeConfig, feature: int) -> _Sets:
    nobody = np.zeros(len(values), dtype=bool)
    n_active = int((values > 0).sum())
    if n_active == 0:
        return _Sets("dead", nobody, nobody)
    if n_active == 100:
        return _Sets("exactly 100 active cells", nobody, nobody)
    high = values > np.percentile(values, config.high_percentile)
    zeros = np.flatnonzero(values == 0)
    if config.low_cells == "all" or len(zeros) <= config.max_low_cells:
        return _Sets("tested", high, values == 0, "zeros")
    if config.low_cells == "sample":
        zeros = np.random.default_rng((config.seed, feature)).permutation(zeros)
    low = nobody.copy()
    low[zeros[: config.max_low_cells]] = True
    return _Sets("tested", high, low, config.low_cells)


def _corrected_sets(values: NDArray, config: DgeConfig, feature: int) -> _Sets:  # noqa: ARG001
    n_cells = len(values)
    nobody = np.zeros(n_cells, dtype=bool)
    active = values > 0
    n_active = int(active.sum())
    n_zero = n_cells - n_active
    if not n_active:
        return _Sets("dead", nobody, nobody)
    if n_active < config.min_cells:
        return _Sets("too few active cells", nobody, nobody)
    n_high = min(_n_percent(n_cells, 100 - config.high_percentile, config.min_cells), n_active)
    positive = values[active]
    high = active & (values >= np.partition(positive, n_active - n_high)[n_active - n_high])
    if n_zero >= config.min_zero_cells:
        return _Sets("tested", high, ~active, "zeros")
    n_low = _n_percent(n_cells, config.low_percentile, config.min_cells)
    place = n_low - n_zero - 1
    bound = 0.0 if place < 0 else np.partition(positive, place)[place]
    low = ~high & (values <= bound)
    if low.sum() < config.min_cells:
        return _Sets("too few low cells", nobody, nobody)
    return _Sets("tested", high, low, "lowest")


def _n_percent(n_cells: int, percent: float, at_least: int) -> int:
    return min(n_cells, max(round(n_cells * percent / 100), at_least))


def ones(members: list[NDArray], n_columns: int) -> sparse.csr_matrix:
    """Rows of ones at the given columns, which are taken from the list: they are not held twice."""
    bounds = np.concatenate([[0], np.cumsum([len(row) for row in members])]).astype(np.int64)
    indices = np.empty(bounds[-1], dtype=np.int32)
    shape = (len(members), n_columns)
    while members:
        row = members.pop()
        indices[bounds[len(members)] : bounds[len(members) + 1]] = row
    return sparse.csr_matrix((np.ones(len(indices), np.int8), indices, bounds), shape=shape)


def _moved(sets: sparse.csr_matrix, order: NDArray[np.integer]) -> sparse.csr_matrix:
    moved = sparse.csr_matrix((sets.data, order[sets.indices], sets.indptr), shape=sets.shape)
    moved.sort_indices()
    return moved
