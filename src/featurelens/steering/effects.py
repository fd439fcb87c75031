"""What an edit does to the expression of the same cells: log ratios, after over before.

Every cell is decoded twice, with its own covariates and its own library. Decoded means carry no
noise, so a cell is no replicate: the spread over cells says for which cells an effect holds, and
no test takes it for an error. The p of a gene is the rank of its effect among those of controls
(:mod:`featurelens.steering.nulls`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from featurelens.conventions import Composition
from featurelens.stats.composition import FEWEST_GENES, LARGEST_WEIGHT

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle

CELLS_AT_ONCE = 256
"""Cells decoded at once: 14 MB of 13,431 genes."""


@dataclass(frozen=True)
class Reading:
    """How expression is read off embeddings: of which cells, and against what pseudocount."""

    bundle: Bundle
    rows: np.ndarray
    """Positions of the cells in the bundle, (n,)."""
    pseudocount: float = 0.1
    """Counts per ``library`` added before a ratio is taken."""
    library: float = 1e4
    """See ``pseudocount``."""
    composition: Composition = "typical_gene"
    """Whether the typical gene's effect is taken from all (:func:`closed`)."""

    def some(self, chosen: np.ndarray) -> Reading:
        """The same of some of the cells, given by a mask or places in ``rows``."""
        return replace(self, rows=self.rows[chosen])

    def logarithms(self, z: np.ndarray) -> np.ndarray:
        """Natural logarithm of shares plus the pseudocount, (n, n_genes) float32.

        Parameters
        ----------
        z
            Embeddings of the cells ``rows``, (n, d).
        """
        parts = [part for _, part in self._parts(z)]
        return np.concatenate(parts)

    def mean_logarithms(self, z: np.ndarray) -> np.ndarray:
        """Mean over cells of :meth:`logarithms`, (n_genes,) float64."""
        total = sum(part.sum(axis=0, dtype=np.float64) for _, part in self._parts(z))
        return np.asarray(total) / len(z)

    def shares(self, z: np.ndarray) -> np.ndarray:
        """Mean over cells of the shares of the library, (n_genes,) float64."""
        total = np.zeros(self.bundle.cells.n_vars)
        for rows in _pieces(len(z)):
            shares = self.bundle.decode(z[rows], rows=self.rows[rows], library=1.0)
            total += shares.sum(axis=0, dtype=np.float64)
        return total / len(z)

    def _parts(self, z: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        least = np.float32(self.pseudocount / self.library)
        for rows in _pieces(len(z)):
            shares = self.bundle.decode(z[rows], rows=self.rows[rows], library=1.0)
            yield rows, np.log(shares + least)


def _pieces(n: int) -> Iterator[slice]:
    for start in range(0, n, CELLS_AT_ONCE):
        yield slice(start, start + CELLS_AT_ONCE)


def closed(effect: np.ndarray, shares: np.ndarray, composition: Composition) -> np.ndarray:
    """Effects after the typical gene's is taken from all of them.

    What one gene takes of a cell all others lose. The typical effect is the median over genes,
    weighted by their share of expression, of which a gene counts at most
    :data:`featurelens.stats.composition.LARGEST_WEIGHT`.

    Parameters
    ----------
    effect
        Log ratios, (..., n_genes).
    shares
        Mean share of expression of each gene, (n_genes,).
    composition
        ``raw`` leaves effects as they are.

    Examples
    --------
    One of eleven equal genes takes from all others alike:

    >>> effect = np.full(11, -0.5)
    >>> effect[0] = 2
    >>> closed(effect, np.full(11, 1 / 11), "typical_gene")[:3]
    array([2.5, 0. , 0. ])
    """
    expressed = shares > 0
    if composition == "raw" or expressed.sum() < FEWEST_GENES:
        return effect
    weight = np.minimum(shares, max(LARGEST_WEIGHT, 1 / len(shares)))
    order = np.argsort(effect, axis=-1, kind="stable")
    reached = np.cumsum(weight[order], axis=-1)
    # Half less a part in 1e9 is half, as in featurelens.stats.composition.
    place = (reached < reached[..., -1:] / 2 * (1 - 1e-9)).sum(axis=-1, keepdims=True)
    typical = np.take_along_axis(effect, np.take_along_axis(order, place, axis=-1), axis=-1)
    return effect - np.nan_to_num(typical)


def log2(natural: np.ndarray) -> np.ndarray:
    """Natural logarithms in doublings."""
    return natural / np.log(2)
