"""What a collection of gene sets is, and how it lies over the genes of a data set."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from featurelens.genesets.config import Universe
from featurelens.io import InputError

Row = tuple[str, str, tuple[str, ...]]

NO_CATEGORY = "uncategorised"

_ADDRESS = re.compile(r">?\s*https?://")


@dataclass(frozen=True)
class GeneSets:
    """Named gene sets in file order; a description reads ``category|source``."""

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    genes: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "GeneSets":
        """Gene sets from rows of name, description and genes."""
        rows = list(rows)
        return cls(
            names=tuple(name for name, _, _ in rows),
            descriptions=tuple(about for _, about, _ in rows),
            genes=tuple(genes for _, _, genes in rows),
        )

    @property
    def rows(self) -> list[Row]:
        """Name, description and genes of every set."""
        return list(zip(self.names, self.descriptions, self.genes, strict=True))

    @property
    def categories(self) -> tuple[str, ...]:
        """What stands before the bar of each description (the whole of it without a bar).

        A web address, as in the files of MSigDB, is no category.
        """
        return tuple(category(text) for text in self.descriptions)

    @property
    def distinct(self) -> set[str]:
        """Every gene that stands in some set."""
        return {gene for genes in self.genes for gene in genes}

    def membership(
        self,
        genes: Sequence[str],
        *,
        min_genes: int,
        max_genes: int,
        universe: Universe = "mapped",
        background: NDArray[np.bool_] | None = None,
    ) -> "Membership":
        """Lay the sets over the genes of a data set and keep those of a testable size.

        Parameters
        ----------
        genes
            The genes of the data, in the order of its columns, each once.
        min_genes, max_genes
            Sets with fewer or more of these genes are left out (and counted).
        universe
            Genes that a set is compared with: those in some set (mapped) or all (data).
        background
            (n_genes,) which genes count at all; the others are taken out of the sets and of the
            universe. None counts all.

        Raises
        ------
        InputError
            If a gene repeats, or no set keeps enough genes; the message shows names
            from both sides, because the usual cause is another species or kind of identifier.
        """
        column = {gene: position for position, gene in enumerate(genes)}
        if len(column) != len(genes):
            repeated = next(gene for i, gene in enumerate(genes) if column[gene] != i)
            raise InputError(
                f"gene {repeated!r} occurs more than once among the data's genes; "
                "make the gene names unique, for example with adata.var_names_make_unique()"
            )
        counted = np.ones(len(genes), dtype=bool) if background is None else background
        everything = _indicator(
            [[c for g in s if (c := column.get(g, -1)) >= 0 and counted[c]] for s in self.genes],
            len(genes),
        )
        sizes = np.asarray(everything.sum(axis=1)).ravel().astype(int)
        kept = np.flatnonzero((sizes >= min_genes) & (sizes <= max_genes))
        if not kept.size:
            raise InputError(self._none_of_a_size(genes, sizes, min_genes, max_genes))
        distinct = self.distinct
        in_some_set = np.asarray(everything.sum(axis=0)).ravel() > 0
        return Membership(
            terms=tuple(self.names[i] for i in kept),
            categories=tuple(self.categories[i] for i in kept),
            genes=tuple(genes),
            matrix=everything[kept],
            in_universe=in_some_set if universe == "mapped" else counted,
            n_in_some_set=int(in_some_set.sum()),
            sizes_in_collection=np.array([len(set(self.genes[i])) for i in kept]),
            n_in_collection=len(distinct),
            n_too_small=int((sizes < min_genes).sum()),
            n_too_large=int((sizes > max_genes).sum()),
            unmatched=tuple(sorted(distinct - column.keys())),
        )

    def _none_of_a_size(
        self, genes: Sequence[str], sizes: NDArray[np.int_], min_genes: int, max_genes: int
    ) -> str:
        start = (
            f"none of {len(self.names)} gene sets has {min_genes} to {max_genes} genes among the "
            f"data's {len(genes)}"
        )
        if sizes.any():
            return (
                f"{start}, they have {sizes.min()} to {sizes.max()}; lower min_genes, raise "
                "max_genes, or use other sets"
            )
        examples = sorted(self.distinct)[:3]
        return (
            f"{start}: the sets hold names like {', '.join(examples)}, the data "
            f"names like {', '.join(list(genes)[:3])}; use gene sets of the same species and "
            "kind of name"
        )


@dataclass(frozen=True)
class Membership:
    """Gene sets over the genes of a data set.

    ``matrix`` is (n_terms, n_genes), float32 CSR of ones. ``in_universe`` (n_genes,) is true for
    the genes that the corrected tests compare: those that stand in at least one set of the whole
    collection, too small and too large ones included, or all that count. ``unmatched`` are the
    genes of the sets that the data do not have. ``sizes_in_collection`` (n_terms,) counts the genes
    of each set and ``n_in_collection`` those of all sets, whether the data have them or not.
    """

    terms: tuple[str, ...]
    categories: tuple[str, ...]
    genes: tuple[str, ...]
    matrix: sparse.csr_matrix
    in_universe: NDArray[np.bool_]
    n_too_small: int
    n_too_large: int
    n_in_some_set: int
    sizes_in_collection: NDArray[np.int64]
    n_in_collection: int
    unmatched: tuple[str, ...]
    by_case: tuple[str, ...] = ()
    """Genes of the sets that the data write in small letters, such as ``C1ORF162``."""
    found: str = ""
    """How the names in the sets were found, in words."""

    @property
    def n_universe(self) -> int:
        """Number of genes of the universe."""
        return int(self.in_universe.sum())

    @property
    def n_genes_unmatched(self) -> int:
        """Number of genes of the sets that the data do not have."""
        return len(self.unmatched)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Genes per term within the universe, (n_terms,)."""
        return np.diff(self.matrix.indptr).astype(np.int64)

    def describe(self) -> str:
        """One line for a log."""
        shown = ", ".join(self.unmatched[:5]) + (", ..." if len(self.unmatched) > 5 else "")
        return (
            f"{len(self.terms)} gene sets tested, {self.n_too_small} too small and "
            f"{self.n_too_large} too large; {self.n_in_some_set} of {len(self.genes)} genes of the "
            f"data stand in a set, the universe holds {self.n_universe}; {self.n_genes_unmatched} "
            "genes of the sets are not in the data" + (f" ({shown})" if shown else "")
        ) + (f"; {self.found}" if self.found else "")


def category(description: str) -> str:
    """The category that a description names, see :class:`GeneSets`.

    Examples
    --------
    >>> category("immune response | GO:0006955"), category("http://example.org/set")
    ('immune response', 'uncategorised')
    """
    text = description.split("|", 1)[0].strip()
    return NO_CATEGORY if not text or _ADDRESS.match(text) else text


def unique_symbols(symbols: Iterable[str]) -> list[str]:
    """Gene symbols with -1, -2, … after every repeat, as scanpy's ``var_names_make_unique``.

    Several Ensembl genes may share a symbol. All are tested for expression, but a gene set holds
    the first of them only.

    Examples
    --------
    >>> unique_symbols(["TBCE", "CD3D", "TBCE"])
    ['TBCE', 'CD3D', 'TBCE-1']
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
