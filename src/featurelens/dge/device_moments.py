"""Group sums on a GPU: the same numbers as ``group_kernels``, as matrix products in float64.

There a set of cells is a row of a dense matrix of zeros and ones, so that low cells need not be
got by subtraction: what a processor walks through cell by cell costs a GPU one product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from featurelens.stats import welch

if TYPE_CHECKING:
    import torch

    from featurelens.dge.cell_sets import CellSets
    from featurelens.dge.layout import PreparedExpression


ROWS = 256
"""Sets of cells in one product; 56,714 cells and both sides take 0.2 GiB of the device."""

NOTHING = 1e-12
"""Share of a set's squares about the centre below which its spread is rounding: it is constant."""


def moments_on_device(
    sets: CellSets, group: NDArray[np.int64], prepared: PreparedExpression
) -> Callable[[int], tuple[slice, welch.Moments, welch.Moments]]:
    """A function from a block to its genes and their moments in the high and the low cells.

    Parameters
    ----------
    sets
        High and low cells, one row for a feature (or a feature and a stratum).
    group
        (n_rows,) group of cells whose complement a row takes.
    prepared
        Expression and the totals of its groups; ``device`` says where products are made.
    """
    import torch

    device = torch.device(prepared.device)
    strata = np.empty(prepared.n_cells, dtype=np.int64)
    bounds = prepared.population.bounds
    strata[prepared.population.cells] = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    on_device = torch.from_numpy(strata).to(device)
    n_rows, width = len(sets.n_low), prepared.blocks.shape[2]
    n = np.stack([np.diff(sets.high.indptr), sets.n_low]).astype(np.float64)[:, :, None]
    parts = [
        (slice(start, start + ROWS), _members(sets, group, strata, start, device))
        for start in range(0, n_rows, ROWS)
    ]

    def moments(block: int) -> tuple[slice, welch.Moments, welch.Moments]:
        values, origin, middle, *_ = prepared.block(block)
        centre = torch.from_numpy(middle).to(device)[on_device]
        x = torch.from_numpy(values).to(device).double() - centre
        both = torch.cat([x, x * x], dim=1)
        offset = middle[group] + origin
        means, spreads = np.empty((2, 2, n_rows, width))
        for rows, members in parts:
            found = (members.to(device).double() @ both).cpu().numpy()  # (2, n, 2 width)
            size = n[:, rows]
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = found[:, :, :width] / size
                spread = found[:, :, width:] - mean * found[:, :, :width]
            spread[spread <= NOTHING * found[:, :, width:]] = 0.0
            means[:, rows] = mean + offset[rows]
            spreads[:, rows] = np.where(size > 0, spread, np.nan)
        genes = slice(block * width, min((block + 1) * width, prepared.n_genes))
        inside = slice(genes.stop - genes.start)
        variances = spreads[:, :, inside] / np.where(n > 1, n - 1, np.nan)
        high, low = (
            welch.Moments(n[side], means[side][:, inside], variances[side]) for side in (0, 1)
        )
        return genes, high, low

    return moments


def _members(
    sets: CellSets,
    group: NDArray[np.int64],
    strata: NDArray[np.int64],
    start: int,
    device: torch.device,
) -> torch.Tensor:
    """High and low cells of some rows, (2, n, n_cells) bool."""
    import torch

    rows = slice(start, start + ROWS)
    high = sets.high[rows].toarray() > 0
    other = sets.other[rows].toarray() > 0
    rest = (strata[None, :] == group[rows, None]) & ~high & ~other
    low = np.where(sets.complement[rows, None], rest, other)
    return torch.from_numpy(np.stack([high, low])).to(device)
