"""Expression of cells as decoded, or as measured where nothing decodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.conventions import Convention, ExpressionSource
from featurelens.datasets.assemble import LIBRARY_COLUMN
from featurelens.datasets.checks import require_rows
from featurelens.embeddings.counts import in_parts, sum_rows, whole
from featurelens.embeddings.decoders.decoder import Decoder, scale_rows
from featurelens.embeddings.decoders.kinds.none import NoDecoder
from featurelens.embeddings.decoders.kinds.surrogate import SurrogateDecoder
from featurelens.threads import one_blas_thread

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle


def expression_used(
    decoder: Decoder, source: ExpressionSource
) -> Literal["decoded", "surrogate", "measured"]:
    """What a source of expression means for a decoder.

    ``available`` is decoded where the model brought the decoder, and measured where there is none
    or it was fitted afterwards (``surrogate``): the paper tested what multiDGD decodes and, for
    Geneformer, the counts (section 5.3). ``decoded`` is surrogate where such a decoder decodes.
    """
    own = decoder.type not in (NoDecoder.type, SurrogateDecoder.type)
    if source == "measured" or (source == "available" and not own):
        return "measured"
    return "surrogate" if decoder.type == SurrogateDecoder.type else "decoded"


def own_library(bundle: Bundle) -> tuple[np.ndarray, str]:
    """The library of every cell by which the author multiplies what is decoded of it.

    Returns
    -------
    tuple
        (n_cells,) float64 and what it is: the column of obs that the dataset named as its library
        (``obs['GEX_n_counts']`` in the author's scripts), or else the sum of the cell's counts
        over the genes of the bundle.
    """
    column = bundle.cells.uns.get(LIBRARY_COLUMN)
    if column is None:
        return sum_rows(bundle.cells.layers["counts"]), "the sum of its counts"
    return bundle.cells.obs["library"].to_numpy(dtype=np.float64), f"column {str(column)!r} of obs"


def expression(
    bundle: Bundle,
    *,
    convention: Convention = "corrected",
    library: float = 1e4,
    source: ExpressionSource = "decoded",
) -> np.ndarray:
    """Mean expression of the bundle's cells, as a convention compares cells by it.

    corrected: at one library size and one covariate code. Where the decoder knows covariates, all
    cells are decoded with their mean code, so that cells of different batches differ by their
    embedding alone. published: what the decoder makes of a cell and its own covariate code, times
    its own library (:func:`own_library`); what was measured is the raw counts.

    Parameters
    ----------
    bundle
        Cells with their embedding and decoder.
    library
        Counts that each row sums to (corrected).
    source
        ``decoded``: what the decoder makes of the embedding. ``measured``: the counts themselves,
        scaled to the library. ``available``: see :func:`expression_used`.

    Returns
    -------
    numpy.ndarray
        (n_cells, n_genes) float32, genes in the order of ``bundle.cells.var_names``.
    """
    shape = (bundle.cells.n_obs, bundle.cells.n_vars)
    values = np.empty(shape, dtype=np.float32)
    parts = iter_expression(bundle, convention=convention, library=library, source=source)
    for rows, part in parts:
        values[rows] = part
    return values


def iter_expression(
    bundle: Bundle,
    *,
    convention: Convention = "corrected",
    library: float = 1e4,
    source: ExpressionSource = "decoded",
    n_rows: int = 4096,
    order: np.ndarray | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """:func:`expression` in parts, for cells and genes too many to hold at once.

    ``order`` (n_cells,): cell i has the own library of cell ``order[i]`` (published).

    Yields
    ------
    tuple
        Slice of the cells, and their expression (at most n_rows, n_genes) float32.
    """
    codes = bundle.covariate
    libraries = np.full(bundle.cells.n_obs, library)
    if convention == "published":
        libraries = own_library(bundle)[0][slice(None) if order is None else order]
    elif codes is not None:
        codes = codes.mean(axis=0, dtype=np.float64)
    measured = expression_used(bundle.decoder, source) == "measured"
    for start in range(0, bundle.cells.n_obs, n_rows):
        rows = slice(start, start + n_rows)
        if measured:
            counts = bundle.cells.layers["counts"][rows].toarray()
            raw = convention == "published"
            yield rows, counts.astype(np.float32) if raw else scale_rows(counts * 1.0, library)
            continue
        with one_blas_thread():
            decoded = bundle.decoder.decode(
                bundle.embedding[rows],
                library=libraries[rows],
                covariate=codes if codes is None or codes.ndim == 1 else codes[rows],
            )
        yield rows, decoded


def iter_measured(
    bundle: Bundle, *, convention: Convention = "corrected", library: float = 1e4
) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    """:func:`iter_expression` of what was measured, as CSR float32.

    Raises
    ------
    InputError
        If a cell has no counts (corrected).
    """
    for rows, counts in in_parts(bundle.cells.layers["counts"]):
        if convention == "published":
            yield rows, counts.astype(np.float32)
            continue
        total = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
        counted = pd.Series(total > 0, index=bundle.cells.obs_names[rows])
        require_rows(counted, "the bundle: cell", "has no counts")
        amounts = counts.data * np.repeat(library / total, np.diff(counts.indptr))
        values = (amounts.astype(np.float32), counts.indices, counts.indptr)
        yield rows, sparse.csr_matrix(values, shape=counts.shape)


def residual_variance(
    bundle: Bundle, *, library: float = 1e4, order: np.ndarray | None = None
) -> np.ndarray:
    """Mean squared difference of measured from decoded expression of every gene, (n_genes,).

    ``order`` (n_cells,): compare what is decoded of cell i with the counts of cell ``order[i]``.
    """
    counts = bundle.cells.layers["counts"]
    counts = counts if order is None else whole(counts)
    total = np.zeros(counts.shape[1])
    for rows, decoded in iter_expression(bundle, library=library, n_rows=1024):
        chosen = rows if order is None else order[rows]
        measured = scale_rows(counts[chosen].toarray().astype(np.float64), library)
        total += ((measured - decoded) ** 2).sum(axis=0, dtype=np.float64)
    return total / bundle.cells.n_obs
