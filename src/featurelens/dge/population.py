"""Totals of groups of cells, from which those of the cells that are not read are subtracted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from featurelens.dge.blocks import Blocks
from featurelens.stats.arrays import Floats
from featurelens.threads import in_threads


@dataclass(frozen=True)
class Population:
    """Groups of cells and their totals: all cells as one group, or strata of them.

    ``bounds`` (n_groups + 1,) and ``cells`` (n_cells,) list the cells of every group; ``centre``,
    ``total`` and ``squares`` are (n_blocks, n_groups, width): mean, and sums of differences from
    it and of their squares.
    """

    bounds: NDArray[np.int64]
    cells: NDArray[np.int32]
    centre: Floats
    total: Floats
    squares: Floats


def populate(blocks: Blocks, group: NDArray, *, threads: int = 1) -> Population:
    """Totals of groups of cells; ``group`` is a number from 0 for each cell."""
    from featurelens.dge import group_kernels

    n_groups = int(group.max(initial=0)) + 1
    cells = np.argsort(group, kind="stable").astype(np.int32)
    bounds = np.searchsorted(group[cells], np.arange(n_groups + 1)).astype(np.int64)
    shape = (len(blocks), n_groups, blocks.shape[2])
    population = Population(bounds, cells, *(np.empty(shape) for _ in range(3)))

    def fill(block: int) -> None:
        group_kernels.totals(
            blocks[block],
            bounds,
            cells,
            population.centre[block],
            population.total[block],
            population.squares[block],
        )

    for _ in in_threads(fill, range(len(blocks)), threads):
        pass
    return population
