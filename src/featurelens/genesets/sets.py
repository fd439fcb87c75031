"""What a collection of gene sets is, and how it lies over the genes of a data set."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.io import InputError

NO_CATEGORY = "uncategorised"

_ADDRESS = re.compile(r">?\s*https?://")


@dataclass(frozen=True)
class GeneSets:
    """Named gene sets in file order; a description reads ``category|source``."""

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    genes: tuple[tuple[str, ...], ...]

    @property
    def categories(self) -> tuple[str, ...]:
        """What stands before the bar of each description (the whole of it without a bar).

        A web address, as in the files of MSigDB, is no category.
        """
        return tuple(category(text) for text in self.descriptions)

    def membership(
        self, universe: Sequence[str], *, min_genes: int, max_genes: int
    ) -> "Membership":
        """Lay the sets over a gene universe and keep those of a testable size.

        Parameters
        ----------
        universe
            The genes of the data, in the order of its columns, each once.
        min_genes, max_genes
            Sets with fewer or more genes within the universe are left out (and counted).

        Raises
        ------
        InputError
            If a universe gene repeats, or no set keeps enough genes; the message shows names
            from both sides, because the usual cause is another species or kind of identifier.
        """
        column = {gene: position for position, gene in enumerate(universe)}
        if len(column) != len(universe):
            repeated = next(gene for i, gene in enumerate(universe) if column[gene] != i)
            raise InputError(
                f"gene {repeated!r} occurs more than once among the data's genes; "
                "make the gene names unique, for example with adata.var_names_make_unique()"
            )
        everything = _indicator(
            [[column[g] for g in s if g in column] for s in self.genes], len(universe)
        )
        sizes = np.asarray(everything.sum(axis=1)).ravel().astype(int)
        kept = np.flatnonzero((sizes >= min_genes) & (sizes <= max_genes))
        if not kept.size:
            raise InputError(self._no_overlap(universe, min_genes, max_genes))
        return Membership(
            terms=tuple(self.names[i] for i in kept),
            categories=tuple(self.categories[i] for i in kept),
            genes=tuple(universe),
            matrix=everything[kept],
            mapped=np.asarray(everything.sum(axis=0)).ravel() > 0,
            n_too_small=int((sizes < min_genes).sum()),
            n_too_large=int((sizes > max_genes).sum()),
            n_genes_unmatched=len({gene for s in self.genes for gene in s} - column.keys()),
        )

    def _no_overlap(self, universe: Sequence[str], min_genes: int, max_genes: int) -> str:
        examples = sorted({gene for genes in self.genes for gene in genes})[:3]
        return (
            f"none of {len(self.names)} gene sets has {min_genes} to {max_genes} genes among the "
            f"data's {len(universe)}: the sets hold names like {', '.join(examples)}, the data "
            f"names like {', '.join(list(universe)[:3])}; use gene sets of the same species and "
            "kind of name, or lower min_genes"
        )


@dataclass(frozen=True)
class Membership:
    """Gene sets over a gene universe.

    ``matrix`` is (n_terms, n_genes), float32 CSR of ones. ``mapped`` (n_genes,) is true for genes
    that stand in at least one set of the whole collection, too small and too large ones included.
    """

    terms: tuple[str, ...]
    categories: tuple[str, ...]
    genes: tuple[str, ...]
    matrix: sparse.csr_matrix
    mapped: NDArray[np.bool_]
    n_too_small: int
    n_too_large: int
    n_genes_unmatched: int

    @property
    def n_mapped(self) -> int:
        """Number of universe genes that stand in at least one set."""
        return int(self.mapped.sum())

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Genes per term within the universe, (n_terms,)."""
        return np.diff(self.matrix.indptr).astype(np.int64)

    def describe(self) -> str:
        """One line for a log."""
        return (
            f"{len(self.terms)} gene sets tested, {self.n_too_small} too small and "
            f"{self.n_too_large} too large; {self.n_mapped} of {len(self.genes)} genes of the data "
            f"stand in a set, {self.n_genes_unmatched} genes of the sets are not in the data"
        )


def category(description: str) -> str:
    """The category that a description names, see :class:`GeneSets`."""
    text = description.split("|", 1)[0].strip()
    return NO_CATEGORY if not text or _ADDRESS.match(text) else text


def unique_symbols(symbols: Iterable[str]) -> list[str]:
    """Gene symbols with -1, -2, … after every repeat, as scanpy's ``var_names_make_unique``.

    Several Ensembl genes may share a symbol. All are tested for expression, but a gene set holds
    the first of them only.
    """
    from anndata.utils import make_index_unique

    names = pd.Index([str(symbol) for symbol in symbols], dtype=object)
    return make_index_unique(names).tolist()


def _indicator(columns: list[list[int]], n_columns: int) -> sparse.csr_matrix:
    """Rows of ones at the given columns, float32 CSR with sorted indices."""
    counts = [len(row) for row in columns]
    indices = np.array([c for row in columns for c in sorted(row)], dtype=np.int64)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ones = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_matrix((ones, indices, indptr), shape=(len(columns), n_columns))
