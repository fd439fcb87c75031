"""Expression laid out for fast sums over sets of cells, once for all features and permutations.

Genes stand in blocks of 16, each block contiguous over the cells, so that a walk over the cells of
a feature stays within an outer cache. Memory is one copy of the expression; parts of it can come
from a generator, so that no second copy need exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from featurelens.io import InputError
from featurelens.means import ALONE, Means
from featurelens.stats.arrays import Floats
from featurelens.threads import in_threads

if TYPE_CHECKING:
    from featurelens.conventions import Convention, ExpressionSource
    from featurelens.dge.config import DgeConfig
    from featurelens.embeddings.bundle import Bundle


Precision = Literal["float64", "float32"]

_ROWS = 128
"""Cells that are laid out at once: as many as a second cache holds."""


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

    blocks: NDArray[np.floating]
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
    blocks = np.zeros((n_blocks, n_cells, WIDTH), np.float32 if rounded else dtype)
    origin: Floats | None = None
    for rows, part in _few_rows(parts):
        if part.size and not np.min(part) >= 0:
            raise InputError(
                "expression hold negative or missing values; give counts or their means"
            )
        padded = np.zeros((len(part), n_blocks * WIDTH), dtype)
        padded[:, :n_genes] = part
        if origin is None:
            # A number of float32, so that the difference of zero and the origin is one too.
            typical = padded.mean(axis=0, dtype=np.float64).astype(np.float32)
            origin = (typical if rounded else 0 * typical).astype(np.float64)
        if rounded:
            padded -= origin
        blocks[:, rows] = padded.reshape(len(part), n_blocks, WIDTH).transpose(1, 0, 2)
    origin = np.zeros(n_blocks * WIDTH) if origin is None else origin
    return PreparedExpression(
        blocks=blocks,
        origin=origin.reshape(n_blocks, WIDTH),
        n_genes=n_genes,
        population=populate(blocks, np.zeros(n_cells, dtype=np.int64), threads=threads),
    )


def _few_rows(parts: Iterable[tuple[slice, NDArray]]) -> Iterator[tuple[slice, NDArray]]:
    for rows, part in parts:
        for start in range(0, len(part), _ROWS):
            few = part[start : start + _ROWS]
            yield slice(rows.start + start, rows.start + start + len(few)), few


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
    from featurelens.embeddings.expression import (
        expression_used,
        iter_expression,
        own_library,
        residual_variance,
    )

    source = source or config.expression
    parts = iter_expression(
        bundle,
        convention=convention,
        library=config.library,
        source=source,
        n_rows=1024,
        order=order,
    )
    prepared = prepare_parts(parts, bundle.cells.shape, threads=means.threads)
    used = expression_used(bundle.decoder, source)
    if convention == "published":
        library, what = own_library(bundle)
        if used == "measured":
            library = np.asarray(bundle.cells.layers["counts"].sum(axis=1), float).ravel()
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


def populate(blocks: NDArray, group: NDArray, *, threads: int = 1) -> Population:
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
