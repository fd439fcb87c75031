"""Proof from counts that the rows of an embedding without names belong to the cells assumed.

If row i decodes to the expression of cell i, then the counts of cell i are likelier under their
own decoded mean than under the mean of another cell of the same type. The mean log-likelihood of
the true order is compared with that of shuffles within cell types, so what a type has in common
counts for nothing. The order of the genes is compared with shuffled genes in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

    from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder


THRESHOLD = 2.5
"""Standard deviations of the shuffles; an order that is wrong passes once in 160."""
GENE_SHUFFLES = 50
"""All of them must be beaten; a gene or two may hold most counts, so their spread says little."""
VALUES_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class RowProof:
    """Log-likelihood per cell, less terms that no order changes."""

    own: float
    """Under the cells' own decoded means."""
    shuffled: float
    """Under those of other cells of the type, mean over shuffles."""
    z: float
    """Difference in standard deviations of the shuffles; NaN if no shuffle changes anything."""
    gene_shuffles_beaten: float
    """Share of the shuffles of the genes that are less likely than their true order."""
    n_cells: int
    """Cells that were looked at, evenly spaced over the rows."""
    n_permutations: int
    """Shuffles of the cells."""
    threshold: float = THRESHOLD
    """Least z that is accepted."""

    @property
    def holds(self) -> bool:
        """Whether the order is believed."""
        return bool(self.z >= self.threshold and self.gene_shuffles_beaten == 1)


def prove_rows(
    decoder: MLPSoftmaxDecoder,
    representation: np.ndarray,
    covariate: np.ndarray | None,
    counts: sparse.csr_matrix,
    cell_types: np.ndarray,
    *,
    n_cells: int,
    n_permutations: int,
    seed: int,
) -> RowProof:
    """Compare the order of the rows with shuffles within cell types.

    Parameters
    ----------
    decoder
        Decodes ``representation``; has a dispersion.
    representation, covariate
        (n, d) and (n, c), in the order to prove.
    counts
        Of the cells assumed, (n, n_genes).
    cell_types
        (n,).
    n_cells
        Most cells to look at.
    n_permutations
        Shuffles.
    seed
        Of the shuffles.
    """
    looked = np.unique(np.linspace(0, len(counts.indptr) - 2, n_cells).astype(int))
    codes = None if covariate is None else covariate[looked]
    proportions = decoder.decode(representation[looked], covariate=codes, library=1)
    dense = counts[looked].toarray().astype(np.float32)
    likelihood = _Likelihood(dense, proportions, decoder.dispersion.astype(np.float32))
    rng = np.random.default_rng(seed)
    types, genes = cell_types[looked], np.arange(dense.shape[1])
    own = likelihood.mean()
    shuffles = np.array(
        [likelihood.mean(rows=shuffle_within(types, rng)) for _ in range(n_permutations)]
    )
    others = np.array([likelihood.mean(genes=rng.permutation(genes)) for _ in range(GENE_SHUFFLES)])
    return RowProof(
        own=own,
        shuffled=float(shuffles.mean()),
        z=_standardise(own, shuffles),
        gene_shuffles_beaten=float((others < own).mean()),
        n_cells=len(looked),
        n_permutations=n_permutations,
    )


def log_likelihood(counts: np.ndarray, mean: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Negative binomial log-likelihood of each row, less the terms without the mean.

    ``sum over genes of k log m - (k + r) log(m + r)``, k counts, m mean, variance m + m^2 / r.

    Returns
    -------
    numpy.ndarray
        (n,) float64; differences between means for the same counts are those of the full one.
    """
    mean = np.maximum(mean, np.finfo(np.float32).tiny)
    terms = counts * np.log(mean) - (counts + r) * np.log(mean + r)
    return terms.sum(axis=1, dtype=np.float64)


def shuffle_within(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions (n,), permuted within groups."""
    # Sorting by group twice, once in random order, pairs each place with a member of its group.
    order = rng.permutation(len(groups))
    shuffled = order[np.argsort(groups[order], kind="stable")]
    positions = np.empty(len(groups), dtype=np.intp)
    positions[np.argsort(groups, kind="stable")] = shuffled
    return positions


@dataclass(frozen=True, eq=False)
class _Likelihood:
    counts: np.ndarray
    proportions: np.ndarray
    r: np.ndarray

    def mean(
        self, *, rows: np.ndarray | None = None, genes: np.ndarray | slice = slice(None)
    ) -> float:
        """Mean over cells when row i is decoded from ``rows[i]``, and gene j from ``genes[j]``."""
        n, n_genes = self.counts.shape
        rows = np.arange(n) if rows is None else rows
        step = max(1, VALUES_AT_ONCE // n_genes)
        total = 0.0
        for start in range(0, n, step):
            counts = self.counts[start : start + step]
            library = counts.sum(axis=1, keepdims=True)
            mean = self.proportions[rows[start : start + step]][:, genes] * library
            total += float(log_likelihood(counts, mean, self.r[genes]).sum())
        return total / n


def _standardise(value: float, others: np.ndarray) -> float:
    spread = others.std(ddof=1)
    return float((value - others.mean()) / spread) if spread > 0 else float("nan")
