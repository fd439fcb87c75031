"""Expression of which every gene is permuted over the cells by itself, but cells keep their room.

No gene is left that knows of a feature or of another gene. What stays is composition: the share of
a cell that loud genes take, and with it the room that is left for all others. Whatever a feature
carries in such cells it carries by closure.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from featurelens.dge.layout import Block, PreparedExpression
from featurelens.stats.arrays import Floats

LOUD = 0.05
"""Share of a cell's expression above which a gene is loud in it, as in scanpy's normalize_total
with exclude_highly_expressed."""


@dataclass(frozen=True, kw_only=True)
class PermutedSingly(PreparedExpression):
    """Expression whose blocks are permuted whenever they are asked for, so that no copy is held.

    Amounts of loud genes change places as they are. Amounts of all others do so as parts of the
    room that loud genes leave in a cell, and are then given in the new cell's room. Where cells
    have libraries of their own (published), both are parts of these.
    """

    loud: NDArray[np.bool_]
    """(n_blocks, width)."""
    room: Floats
    """(n_cells,), above 0."""
    level: Floats
    """(n_cells,), above 0: the library of a cell in relation to the mean one; 1 where all share
    one."""
    members: tuple[NDArray[np.int64], ...]
    """Cells among which amounts stay."""
    seed: tuple[int, ...]
    """Seeds each block together with its number."""

    def block(self, number: int) -> Block:
        """A block of genes, each in an order of its own; the same in every call."""
        from featurelens.dge import group_kernels

        rng = np.random.default_rng((*self.seed, number))
        origin, values = self.origin[number], np.empty_like(self.blocks[number])
        scale = np.where(self.loud[number], 1.0, self.room[:, None]) * self.level[:, None]
        parts = (self.blocks[number] + origin) / scale
        for cells in self.members:
            parts[cells] = rng.permuted(parts[cells], axis=0)
        values[:] = parts * scale - origin
        shape = (len(self.population.bounds) - 1, values.shape[1])
        sums = tuple(np.empty(shape) for _ in range(3))
        group_kernels.totals(values, self.population.bounds, self.population.cells, *sums)
        return Block(values, origin, *sums)


def permute_singly(
    prepared: PreparedExpression,
    labels: NDArray[np.int64],
    *,
    min_cells: int,
    seed: tuple[int, ...],
) -> PermutedSingly:
    """Expression in which every gene's amounts change places over the cells, each in its own order.

    Parameters
    ----------
    prepared
        Expression whose rows sum to a library, or to ``prepared.library``.
    labels
        (n_cells,) numbers from 0; amounts stay among cells of one number.
    min_cells
        A gene is loud that is so in as many cells.
    seed
        Seed of the orders.
    """
    loud, room = _loud(prepared, min_cells)
    level = np.ones(prepared.n_cells)
    if prepared.library is not None:
        level = np.maximum(prepared.library / prepared.library.mean(), np.finfo(float).tiny)
    held = {field.name: getattr(prepared, field.name) for field in fields(prepared)}
    members = tuple(np.flatnonzero(labels == label) for label in np.unique(labels))
    return PermutedSingly(**held, loud=loud, room=room, level=level, members=members, seed=seed)


def _loud(prepared: PreparedExpression, min_cells: int) -> tuple[NDArray[np.bool_], Floats]:
    """Loud genes, (n_blocks, width), and the part of a cell that they leave, (n_cells,)."""
    total = np.zeros(prepared.n_cells)
    for block, origin in zip(prepared.blocks, prepared.origin, strict=True):
        total += (block + origin).sum(axis=1, dtype=np.float64)
    total = np.maximum(total, np.finfo(float).tiny)
    loud = np.zeros(prepared.origin.shape, dtype=bool)
    taken = np.zeros(prepared.n_cells)
    for number, (block, origin) in enumerate(zip(prepared.blocks, prepared.origin, strict=True)):
        shares = (block + origin) / total[:, None]
        loud[number] = (shares > LOUD).sum(axis=0) >= min_cells
        taken += shares[:, loud[number]].sum(axis=1)
    return loud, np.clip(1 - taken, np.finfo(float).tiny, 1)
