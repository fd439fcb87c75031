"""A cell as a list of genes, the most remarkable first: Geneformer's rank-value encoding.

Theodoris et al. 2023 ("Transfer learning enables predictions in network biology"): the counts of a
cell, divided by its total and by each gene's median over the corpus, are ranked from the highest
down. Written as Geneformer's ``tokenizer.py`` computes it, in float64 and in its order of
operations: ``x / n_counts * 10,000 / median``.

Ties. Geneformer sorts with numpy's default, which is not stable: the order of equal values depends
on numpy's version and on the processor. Where that order is defined (up to 16 values sorted
without vector instructions: insertion), equal values keep the order of the columns, and so they do
here, for cells of any length. Values that differ are in Geneformer's order always. (Ratios that are
equal on paper, 3/1.5 and 2/1, mostly differ in their last bit once totals are divided out.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numba import njit
from scipy import sparse

from featurelens.embeddings.models.geneformer.genes import KnownGenes
from featurelens.io import InputError


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens of all cells, one cell behind the other."""

    values: np.ndarray
    """(n_tokens,) int32."""
    starts: np.ndarray
    """(n_cells + 1,): cell i has the tokens from ``starts[i]`` up to ``starts[i + 1]``."""
    names: pd.Index
    """Name of each cell."""
    n_known: np.ndarray
    """Genes with a token and a count in each cell, before truncation, (n_cells,)."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each cell, special ones included, (n_cells,)."""
        return np.diff(self.starts)

    def of(self, row: int) -> np.ndarray:
        """Tokens of one cell."""
        return self.values[self.starts[row] : self.starts[row + 1]]

    def take(self, rows: np.ndarray) -> Tokens:
        """Tokens of some cells."""
        starts = np.concatenate([[0], np.cumsum(self.lengths[rows])])
        values = np.concatenate([self.of(row) for row in rows])
        return Tokens(values, starts, self.names[rows], self.n_known[rows])


def tokenize(
    counts: sparse.csr_matrix,
    totals: np.ndarray,
    names: pd.Index,
    genes: KnownGenes,
    *,
    input_size: int,
    special: tuple[int, int] | None,
) -> Tokens:
    """Rank the genes of every cell.

    Parameters
    ----------
    counts
        Raw counts, (n_cells, n_genes).
    totals
        Total count of each cell over all genes that were measured, (n_cells,).
    names
        Names of the cells.
    genes
        The columns that have a token.
    input_size
        Most tokens of a cell, special ones included.
    special
        Tokens to put before and after the genes; None puts none.

    Raises
    ------
    InputError
        If a cell has no count of any gene with a token.
    """
    n_special = 0 if special is None else 2
    gene_of = genes.positions
    n_known = _count(counts.data, counts.indices, counts.indptr, gene_of, len(genes.tokens))
    _require_known(n_known, names)
    lengths = np.minimum(n_known, input_size - n_special) + n_special
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    values = np.empty(starts[-1], dtype=np.int32)
    _rank(
        counts.data,
        counts.indices,
        counts.indptr,
        gene_of,
        np.asarray(totals, dtype=np.float64),
        genes.medians,
        genes.tokens,
        starts,
        n_special // 2,
        values,
    )
    if special is not None:
        values[starts[:-1]], values[starts[1:] - 1] = special
    return Tokens(values, starts, names, n_known)


def _require_known(n_known: np.ndarray, names: pd.Index) -> None:
    empty = np.flatnonzero(n_known == 0)
    if empty.size:
        raise InputError(
            f"the cells: cell {str(names[empty[0]])!r} has no count of a gene that the model knows "
            f"({empty.size} such cells); leave these cells out"
        )


@njit
def _count(data, indices, indptr, gene_of, n_targets):  # type: ignore[no-untyped-def]
    """Number of different genes with a token and a count in each row."""
    known = np.zeros(len(indptr) - 1, dtype=np.int64)
    last_row = np.full(n_targets, -1, dtype=np.int64)
    for row in range(len(known)):
        for place in range(indptr[row], indptr[row + 1]):
            gene = gene_of[indices[place]]
            if gene >= 0 and data[place] != 0 and last_row[gene] != row:
                last_row[gene] = row
                known[row] += 1
    return known


@njit
def _rank(data, indices, indptr, gene_of, totals, medians, tokens, starts, offset, out):  # type: ignore[no-untyped-def]
    """Write each row's tokens by falling value from ``starts[row] + offset`` on, cut to fit."""
    sums = np.zeros(len(tokens), dtype=np.int64)
    genes = np.empty(len(tokens), dtype=np.int64)
    for row in range(len(indptr) - 1):
        n = 0
        for place in range(indptr[row], indptr[row + 1]):
            gene = gene_of[indices[place]]
            if gene >= 0 and data[place] != 0:
                if sums[gene] == 0:
                    genes[n] = gene
                    n += 1
                sums[gene] += np.int64(data[place])
        # Equal values keep the order of the genes, which that of the columns need not be.
        genes[:n].sort()
        negated = np.empty(n, dtype=np.float64)
        for place in range(n):
            gene = genes[place]
            negated[place] = -(sums[gene] / totals[row] * 10_000.0 / medians[gene])
            sums[gene] = 0
        order = np.argsort(negated, kind="mergesort")
        for rank in range(starts[row + 1] - starts[row] - 2 * offset):
            out[starts[row] + offset + rank] = tokens[genes[order[rank]]]
