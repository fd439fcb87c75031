"""Poisson non-negative factorisation of counts, in its multinomial form.

The counts of a cell are Poisson with mean ``library * (L F^T)``: rows of the loadings L and
columns of the factors F sum to one, so ``L F^T`` holds proportions and the library stands apart.
Maximising the Poisson likelihood is minimising the Kullback-Leibler divergence from the counts
(Lee and Seung 2001), and any solution ``W H`` can be written in this form (Carbonetto et al. 2021,
"Non-negative matrix factorization algorithms greatly improve topic model fits").

scikit-learn's NMF makes the same updates, and the tests hold one against the other. On sparse
counts the loop below is an order of magnitude faster, because it gathers nothing into copies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from featurelens.embeddings.bundle import Fitted
from featurelens.embeddings.decoders.kinds.linear_simplex import LinearSimplexDecoder
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel
from featurelens.io import InputError
from featurelens.means import ALONE, Log, Means, silent
from featurelens.progress import counted

if TYPE_CHECKING:
    import anndata


def fit(cells: anndata.AnnData, config: PoissonNMFModel, *, means: Means = ALONE) -> Fitted:
    """Factorise ``cells.layers['counts']``; the embedding is L, (n_cells, n_components).

    Raises
    ------
    InputError
        If more factors are asked for than there are cells or genes.
    """
    if config.n_components > min(cells.shape):
        raise InputError(
            f"n_components of poisson_nmf is {config.n_components}, but there are {cells.n_obs} "
            f"cells and {cells.n_vars} genes; ask for fewer"
        )
    counts = sparse.csr_matrix(cells.layers["counts"], dtype=np.float64)
    start = random_start(counts, config.n_components, np.random.default_rng(config.seed))
    weights, components = factorise(counts, *start, iterations=config.iterations, log=means.log)
    loadings, factors = to_multinomial(weights, components)
    info = {
        "iterations": config.iterations,
        "deviance_start": deviance(counts, *start),
        "deviance": deviance(counts, weights, components),
    }
    return Fitted(loadings, LinearSimplexDecoder(factors=factors.astype(np.float32)), info)


def random_start(
    counts: sparse.csr_matrix, d: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positive W (n_cells, d) and H (d, n_genes) around the independence of cells and genes."""
    n_cells, n_genes = counts.shape
    per_cell, per_gene = counts.sum(axis=1).A1, counts.sum(axis=0).A1
    weights = per_cell[:, None] / d * rng.uniform(0.5, 1.5, (n_cells, d))
    components = per_gene / per_gene.sum() * rng.uniform(0.5, 1.5, (d, n_genes))
    return weights, components


def factorise(
    counts: sparse.csr_matrix,
    weights: np.ndarray,
    components: np.ndarray,
    *,
    iterations: int,
    log: Log = silent,
) -> tuple[np.ndarray, np.ndarray]:
    """Multiplicative updates of W, then H, each time (Lee and Seung 2001, Theorem 2).

    ``W *= (C / WH) H^T / (row sums of H)`` and ``H *= W^T (C / WH) / (column sums of W)``. No
    update raises the divergence.

    Parameters
    ----------
    counts
        C, (n_cells, n_genes) CSR float64.
    weights, components
        W (n_cells, d) and H (d, n_genes) to start from; left as they are.
    iterations
        Number of updates of both.
    log
        Receives how far it is.
    """
    from featurelens.embeddings.models.poisson_nmf.kernel import divide

    ratio, genes = counts.copy(), np.ascontiguousarray(components.T)  # genes: (n_genes, d)
    steps = range(iterations)
    for _ in counted(steps, iterations, "updates", "counts factorised", log=log):
        divide(counts.data, counts.indices, counts.indptr, weights, genes, ratio.data)
        weights = weights * (ratio @ genes) / genes.sum(axis=0)
        divide(counts.data, counts.indices, counts.indptr, weights, genes, ratio.data)
        genes = genes * (ratio.T @ weights) / weights.sum(axis=0)
    return weights, genes.T


def deviance(counts: sparse.csr_matrix, weights: np.ndarray, components: np.ndarray) -> float:
    """Poisson deviance ``2 sum(c log(c / m) - c + m)`` of the counts under ``m = W H``."""
    from featurelens.embeddings.models.poisson_nmf.kernel import divide

    ratio = counts.copy()
    genes = np.ascontiguousarray(components.T)
    divide(counts.data, counts.indices, counts.indptr, weights, genes, ratio.data)
    expected = weights.sum(axis=0) @ components.sum(axis=1)
    return float(2 * (xlogy(counts.data, ratio.data).sum() - counts.sum() + expected))


def to_multinomial(weights: np.ndarray, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rewrite ``W H`` as ``library * L F^T``.

    Parameters
    ----------
    weights
        W, (n_cells, d), non-negative.
    components
        H, (d, n_genes), non-negative.

    Returns
    -------
    tuple
        L (n_cells, d), rows sum to 1, and F (n_genes, d), columns sum to 1. The row sums of
        ``W H`` are the library.
    """
    totals = components.sum(axis=1)  # (d,)
    scaled = weights * totals
    return scaled / scaled.sum(axis=1, keepdims=True), (components / totals[:, None]).T
