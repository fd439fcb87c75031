"""What truly differs between two types: measured expression of cells that nothing was fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from featurelens.stats.welch import Moments, welch

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle

N_TRUE = 50
"""Genes that count as those of the difference: the largest by Welch's t."""
SCALE = 1e4
"""Counts per cell that expression is scaled to before its logarithm is taken."""


@dataclass(frozen=True)
class Truth:
    """Measured differences of every gene, target over origin, (n_genes,)."""

    log2_fold: np.ndarray
    """log2 of the ratio of mean shares, with the pseudocount of the steering."""
    t: np.ndarray
    """Welch's t of log1p(counts per 10,000); 0 for genes that do not vary."""
    n_origin: int
    n_target: int

    @property
    def n_true(self) -> int:
        """How many genes count as different: :data:`N_TRUE`, or a quarter of few."""
        return max(1, min(N_TRUE, len(self.t) // 4))

    @property
    def different(self) -> np.ndarray:
        """Numbers of the genes that differ most."""
        return np.argsort(-np.abs(self.t), kind="stable")[: self.n_true]

    @property
    def alike(self) -> np.ndarray:
        """Numbers of the expressed genes that differ least: half of them."""
        expressed = np.flatnonzero(self.t != 0)
        return expressed[np.argsort(np.abs(self.t[expressed]), kind="stable")][
            : len(expressed) // 2
        ]


def measured_difference(
    bundle: Bundle, origin: np.ndarray, target: np.ndarray, *, pseudocount: float, library: float
) -> Truth:
    """Compare measured expression of two groups of cells, given by their positions.

    Cells are the replicates, but nothing is inferred from t: it ranks genes.
    """
    groups = [_scaled(bundle.cells.layers["counts"][rows]) for rows in (origin, target)]
    moments = [_moments(_log1p(group)) for group in groups]
    shares = [np.asarray(group.mean(axis=0)).ravel() / SCALE for group in groups]
    t = np.nan_to_num(welch(moments[1], moments[0]).t)
    fold = np.log2(shares[1] + pseudocount / library) - np.log2(shares[0] + pseudocount / library)
    return Truth(log2_fold=fold, t=t, n_origin=len(origin), n_target=len(target))


def halves(
    cell_type: np.ndarray, donor: np.ndarray, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Two halves of all cells, each with half of every type of every donor, as masks (n,)."""
    first = np.zeros(len(cell_type), dtype=bool)
    strata = [f"{kind}\t{of}" for kind, of in zip(cell_type, donor, strict=True)]
    order = rng.permutation(len(cell_type))
    seen: dict[str, int] = {}
    for row in order:
        seen[strata[row]] = seen.get(strata[row], 0) + 1
        first[row] = seen[strata[row]] % 2 == 1
    return first, ~first


def _scaled(counts: sparse.spmatrix) -> sparse.csr_matrix:
    wide = sparse.csr_matrix(counts, dtype=np.float64)
    totals = np.maximum(np.asarray(wide.sum(axis=1)).ravel(), 1)
    return sparse.csr_matrix(sparse.diags(SCALE / totals) @ wide)


def _log1p(values: sparse.csr_matrix) -> sparse.csr_matrix:
    return values.log1p()


def _moments(values: sparse.csr_matrix) -> Moments:
    n = values.shape[0]
    mean = np.asarray(values.mean(axis=0)).ravel()
    square = np.asarray(values.multiply(values).mean(axis=0)).ravel()
    variance = (square - mean**2) * n / max(n - 1, 1)
    return Moments(n=np.asarray(float(n)), mean=mean, variance=np.maximum(variance, 0))
