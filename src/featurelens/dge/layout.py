"""Expression laid out for fast sums over sets of cells, once for all features and permutations.

Genes stand in blocks of 16, each block contiguous over the cells, so that a walk over the cells of
a feature stays within an outer cache. Expression beyond :data:`featurelens.dge.blocks.HELD` lies in
a file, of which one block for each thread is in memory (:mod:`featurelens.dge.blocks`); parts of it
come from a generator, so that it never is in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from featurelens.dge.blocks import (
    Blocks,
    FiledBlocks,
    SparseBlocks,
    fits_in_memory,
    new_blocks,
)
from featurelens.dge.population import Population, populate
from featurelens.io import InputError
from featurelens.means import ALONE, Means
from featurelens.progress import counted
from featurelens.stats.arrays import Floats

if TYPE_CHECKING:
    from featurelens.conventions import Convention, ExpressionSource
    from featurelens.dge.config import DgeConfig
    from featurelens.embeddings.bundle import Bundle


Precision = Literal["float64", "float32"]

_ROWS, _FILED_ROWS = 128, 1024
"""Cells that are laid out at once: in memory as many as a second cache holds, in a file more."""


class Block(NamedTuple):
    """Genes that are summed at once, of all cells, and their totals over groups of cells."""

    values: NDArray[np.floating]
    """(n_cells, width), minus the origin."""
    origin: Floats
    """(width,)."""
    centre: Floats
    """(n_groups, width), as of :class:`Population`."""
    total: Floats
    """(n_groups, width)."""
    squares: Floats
    """(n_groups, width)."""


@dataclass(frozen=True)
class PreparedExpression:
    """Expression in blocks of genes.

    ``blocks`` is (n_blocks, n_cells, width), of the values minus ``origin`` (n_blocks, width);
    the last block is filled up with zeros. ``population`` holds the totals of all cells, or of the
    groups that :meth:`by` made. ``device``, ``cpu`` or ``cuda``, says where sums are made.
    ``noise`` (n_blocks, width) is the variance of what was measured about these values, where they
    are what a decoder makes of an embedding; the corrected tests add it to theirs. ``library``
    (n_cells,) is what the rows sum to, where it differs (published). ``guarded`` is false where the
    author's script tests genes without asking whether they vary (published, on counts).
    """

    blocks: Blocks
    origin: Floats
    n_genes: int
    population: Population
    device: str = "cpu"
    noise: Floats | None = None
    library: Floats | None = None
    guarded: bool = True

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.blocks.shape[1]

    def block(self, number: int) -> Block:
        """One block of genes."""
        sums = (self.population.centre, self.population.total, self.population.squares)
        return Block(self.blocks[number], self.origin[number], *(part[number] for part in sums))

    def by(self, group: NDArray[np.integer], *, threads: int = 1) -> PreparedExpression:
        """The same expression with totals of groups of cells, numbered from 0 for each cell."""
        return replace(self, population=populate(self.blocks, group, threads=threads))


def prepare_expression(
    expression: NDArray, *, precision: Precision = "float64", threads: int = 1
) -> PreparedExpression:
    """Lay out expression for :func:`featurelens.dge.gene_tests.test_genes`.

    Parameters
    ----------
    expression
        (n_cells, n_genes), not negative. Its values are kept as they are, of float32 or float64;
        sums over cells are float64 always.
    precision
        ``float32`` halves the memory of float64 values: they are rounded as differences from a
        typical value of their gene, which moves t by less than 1e-4 max(1, t).
    threads
        Blocks of genes worked on at once.

    Raises
    ------
    InputError
        If a value is negative or missing.
    """
    shape = (expression.shape[0], expression.shape[1])
    dtype = np.float32 if expression.dtype == np.float32 else np.float64
    parts = [(slice(0, shape[0]), expression)]
    return prepare_parts(parts, shape, dtype=dtype, precision=precision, threads=threads)


def prepare_parts(
    parts: Iterable[tuple[slice, NDArray]],
    shape: tuple[int, int],
    *,
    dtype: type[np.floating] = np.float32,
    precision: Precision = "float64",
    threads: int = 1,
) -> PreparedExpression:
    """:func:`prepare_expression` from slices of the cells and their expression.

    Parameters
    ----------
    parts
        Such as :func:`featurelens.embeddings.expression.iter_expression` yields: every cell once.
    shape
        (n_cells, n_genes) of the whole.
    dtype
        Of the parts.
    """
    from featurelens.dge.group_kernels import WIDTH

    n_cells, n_genes = shape
    n_blocks = -(-n_genes // WIDTH)
    rounded = precision == "float32" and dtype is not np.float32
    stored, block_shape = np.float32 if rounded else dtype, (n_blocks, n_cells, WIDTH)
    blocks = new_blocks(block_shape, stored)
    origin: Floats | None = None
    wide = isinstance(blocks, FiledBlocks) and not rounded  # the first cells give the origin
    for rows, part in _few_rows(parts, _FILED_ROWS if wide else _ROWS):
        if part.size and not np.min(part) >= 0:
            raise InputError(_NEGATIVE)
        padded = np.zeros((len(part), n_blocks * WIDTH), dtype)
        padded[:, :n_genes] = part
        if origin is None:
            # A number of float32, so that the difference of zero and the origin is one too.
            typical = padded.mean(axis=0, dtype=np.float64).astype(np.float32)
            origin = (typical if rounded else 0 * typical).astype(np.float64)
        if rounded:
            padded -= origin
        laid = padded.reshape(len(part), n_blocks, WIDTH).transpose(1, 0, 2)
        if isinstance(blocks, FiledBlocks):
            blocks.put(rows.start, laid.astype(stored, copy=False))
        else:
            blocks[:, rows] = laid
    origin = np.zeros(n_blocks * WIDTH) if origin is None else origin
    return _prepared(blocks, origin, n_genes, threads)


_NEGATIVE = "expression hold negative or missing values; give counts or their means"


def _prepared(blocks: Blocks, origin: Floats, n_genes: int, threads: int = 1) -> PreparedExpression:
    n_blocks, n_cells, width = blocks.shape
    return PreparedExpression(
        blocks=blocks,
        origin=origin.reshape(n_blocks, width),
        n_genes=n_genes,
        population=populate(blocks, np.zeros(n_cells, dtype=np.int64), threads=threads),
    )


def _few_rows(parts: Iterable[tuple[slice, NDArray]], step: int) -> Iterator[tuple[slice, NDArray]]:
    for rows, part in parts:
        for start in range(0, len(part), step):
            few = part[start : start + step]
            yield slice(rows.start + start, rows.start + start + len(few)), few


def prepare_sparse(
    parts: Iterable[tuple[slice, sparse.csr_matrix]], shape: tuple[int, int], *, threads: int = 1
) -> PreparedExpression:
    """:func:`prepare_parts` of expression that is mostly zero, laid out in a file.

    Parameters
    ----------
    parts
        Every cell once, at most :data:`featurelens.dge.blocks.MOST_ROWS` at a time; float32.
    shape
        (n_cells, n_genes) of the whole.
    """
    from featurelens.dge.group_kernels import WIDTH

    n_cells, n_genes = shape
    blocks = SparseBlocks((-(-n_genes // WIDTH), n_cells, WIDTH))
    for rows, part in parts:
        if part.nnz and not np.min(part.data) >= 0:
            raise InputError(_NEGATIVE)
        blocks.put(rows.start, part)
    return _prepared(blocks, np.zeros(len(blocks) * WIDTH), n_genes, threads)


def prepare_bundle(
    bundle: Bundle,
    config: DgeConfig,
    *,
    convention: Convention,
    source: ExpressionSource | None = None,
    order: NDArray[np.integer] | None = None,
    means: Means = ALONE,
) -> PreparedExpression:
    """:func:`prepare_parts` of a bundle's expression as it is configured, held once.

    Sums over its cells are made on the device of ``means``. See
    :func:`featurelens.embeddings.expression.expression`. What a decoder decodes comes with its
    error about the counts (``noise``) under ``corrected``; under ``published``, where no guard is
    taken of genes that do not vary if counts are what is tested, the log says which library a cell
    has.

    Parameters
    ----------
    source
        Of the expression, in the place of ``config.expression``.
    order
        (n_cells,): the error of cell i is that about the counts of cell ``order[i]``, which the
        decoder was fitted to in their place, and its library is that cell's (published).
    """
    from featurelens.embeddings.counts import sum_rows
    from featurelens.embeddings.expression import (
        expression_used,
        iter_expression,
        iter_measured,
        own_library,
        residual_variance,
    )

    source = source or config.expression
    used, shape = expression_used(bundle.decoder, source), bundle.cells.shape
    told = partial(
        counted,
        total=shape[0],
        unit="cells",
        what="expression laid out",
        log=means.log,
        size=lambda part: part[0].stop - part[0].start,
    )
    if used == "measured" and not fits_in_memory(shape, np.float32):
        counts = iter_measured(bundle, convention=convention, library=config.library)
        prepared = prepare_sparse(told(counts), shape, threads=means.threads)
    else:
        parts = iter_expression(
            bundle,
            convention=convention,
            library=config.library,
            source=source,
            n_rows=1024,
            order=order,
        )
        prepared = prepare_parts(told(parts), shape, threads=means.threads)
    if convention == "published":
        library, what = own_library(bundle)
        if used == "measured":
            library = sum_rows(bundle.cells.layers["counts"])
            means.log("published: genes are tested on raw counts")
        else:
            own = "" if bundle.covariate is None else " with its own covariate code"
            means.log(f"published: each cell is decoded{own}, times its library, {what}")
        prepared = replace(
            prepared,
            library=library if order is None else library[order],
            guarded=expression_used(bundle.decoder, config.expression) != "measured",
        )
    elif used != "measured":
        noise = np.zeros(prepared.origin.size)
        noise[: prepared.n_genes] = residual_variance(bundle, library=config.library, order=order)
        prepared = replace(prepared, noise=noise.reshape(prepared.origin.shape))
    return replace(prepared, device=means.device)
