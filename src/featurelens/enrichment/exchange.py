"""Which null breaks what, and what of the cells changes places."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from featurelens.dge.cell_sets import CellSets
from featurelens.dge.config import Contrast
from featurelens.dge.layout import PreparedExpression
from featurelens.dge.matching import MatchedSets
from featurelens.enrichment.config import NullName

NULL_NAMES: tuple[NullName, ...] = get_args(NullName)

NULLS: dict[Contrast, tuple[NullName, ...]] = {
    "global": ("complete", "beyond_type", "genes", "singly"),
    "within_type": ("beyond_type", "genes", "singly"),
}
"""The nulls of each contrast; the first calibrates p.

The null that calibrates must break what the claim is about and keep all else. A global contrast
claims that a feature's cells differ from other cells, and any cell of the batch is exchangeable
with any other if they do not. A contrast within type compares cells of one type and batch, and only
those are exchangeable: permuted over all cells, high and low cells would no longer be matched, and
their null would be that of another statistic.
"""

ByChance = Callable[
    [NullName, NDArray[np.int64]], tuple[CellSets | MatchedSets, PreparedExpression] | None
]
"""See :class:`Cells`."""


@dataclass(frozen=True)
class Cells:
    """What permutations of cells need: the sets, the expression, and each cell's labels.

    Parameters
    ----------
    prepared
        The expression, or a function that gives it when it is needed.
    by_chance
        Where the expression was decoded: a function of a null and an order of the cells that gives
        sets and expression as they are when cells change places, or None for the usual ones. A
        decoder that saw these cells must be no part of what is permuted against it.
    measured
        Where a model's own decoder decoded the expression: a function that gives that of counts,
        on which the same features are tested once more.
    """

    sets: CellSets | MatchedSets
    prepared: PreparedExpression | Callable[[], PreparedExpression]
    batch: NDArray
    cell_type: NDArray
    by_chance: ByChance | None = None
    measured: Callable[[], PreparedExpression] | None = None

    def expression(self) -> PreparedExpression:
        """The expression as it is tested."""
        return self.prepared() if callable(self.prepared) else self.prepared

    def permuted(
        self, name: NullName, order: NDArray[np.int64]
    ) -> tuple[CellSets | MatchedSets, PreparedExpression]:
        """Sets and expression when cells change places under a null."""
        other = self.by_chance(name, order) if self.by_chance else None
        return other or (self.sets.permuted(order), self.expression())
