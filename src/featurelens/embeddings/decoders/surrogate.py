"""A decoder fitted afterwards, for embeddings whose model has none.

Ridge regression from the embedding to log1p(counts per 10,000). What it decodes is what the
embedding knows linearly of these cells' expression, and no belief of the model that made it;
decoder.json, bundle.json and the diagnostics call it surrogate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from featurelens.embeddings.counts import whole
from featurelens.embeddings.decoders.kinds.surrogate import SurrogateDecoder

if TYPE_CHECKING:
    import anndata

    from featurelens.embeddings.decoders.config import RidgeSurrogate


CELLS_AT_ONCE = 1024


def fit_surrogate(
    z: np.ndarray, cells: anndata.AnnData, config: RidgeSurrogate
) -> tuple[SurrogateDecoder, dict[str, Any]]:
    """Fit on all cells, and judge the same fit on cells that were left out.

    Parameters
    ----------
    z
        (n_cells, d).
    cells
        ``X`` = log1p(counts per 10,000) sparse, and ``layers['counts']``, in memory or in a file.
    config
        Strength of the penalty and size of the left-out part.

    Returns
    -------
    SurrogateDecoder, dict
        The dictionary holds kind, alpha, n_held_out, and r2_held_out: the share of the variance of
        log1p(counts per 10,000), summed over genes, that the embedding explains in those cells.
    """
    rng = np.random.default_rng(config.seed)
    n_held_out = min(max(1, round(config.holdout * len(z))), len(z) - 1)
    held_out = np.zeros(len(z), dtype=bool)
    held_out[rng.choice(len(z), n_held_out, replace=False)] = True
    logarithms = whole(cells.X)
    weights, intercept = ridge(z[~held_out], logarithms[~held_out], alpha=config.alpha)
    quality = {
        "kind": "ridge",
        "alpha": config.alpha,
        "n_held_out": n_held_out,
        "r2_held_out": explained(z[held_out] @ weights + intercept, logarithms[held_out]),
    }
    counts = whole(cells.layers["counts"])
    return fit_to_all(z, logarithms, counts, alpha=config.alpha), quality


def fit_to_all(
    z: np.ndarray, logarithms: sparse.csr_matrix, counts: sparse.csr_matrix, *, alpha: float
) -> SurrogateDecoder:
    """The decoder of an embedding and the expression of the same cells in the same order.

    Parameters
    ----------
    z
        (n_cells, d).
    logarithms, counts
        (n_cells, n_genes): log1p(counts per 10,000), and the counts.
    alpha
        Weight of the squared coefficients.
    """
    weights, intercept = ridge(z, logarithms, alpha=alpha)
    decoder = SurrogateDecoder(
        weights=weights.astype(np.float32),
        intercept=intercept.astype(np.float32),
        smearing=np.ones(counts.shape[1], dtype=np.float32),
    )
    return replace(decoder, smearing=_smearing(decoder, z, counts))


def ridge(z: np.ndarray, Y: sparse.csr_matrix, *, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights and intercept that minimise ``|Y - s W - b|^2 + alpha |W|^2``, s standardised z.

    Closed form, without making Y dense. A column of z that does not vary gets no weight.

    Parameters
    ----------
    z
        (n, d).
    Y
        (n, n_genes).

    Returns
    -------
    tuple
        Weights (d, n_genes) and intercept (n_genes,) for z as it is, float64.
    """
    z = z.astype(np.float64)
    centre, scale = z.mean(axis=0), z.std(axis=0)
    scale[scale == 0] = np.inf
    standard = (z - centre) / scale
    gram = standard.T @ standard + alpha * np.eye(z.shape[1])
    # The mean of Y needs no subtracting: the columns of s sum to zero.
    weights = np.linalg.solve(gram, (Y.T @ standard).T) / scale[:, None]
    return weights, Y.mean(axis=0).A1 - centre @ weights


def explained(predicted: np.ndarray, measured: sparse.csr_matrix) -> float:
    """Share of the variance around gene means that a prediction explains; NaN if nothing varies."""
    dense = measured.toarray().astype(np.float64)
    total = ((dense - dense.mean(axis=0)) ** 2).sum()
    return float(1 - ((dense - predicted) ** 2).sum() / total) if total > 0 else float("nan")


def _smearing(decoder: SurrogateDecoder, z: np.ndarray, counts: sparse.csr_matrix) -> np.ndarray:
    """Mean measured over mean decoded proportion of each gene, (n_genes,).

    Between 1/10 and 10, because far from the cells it was fitted on a larger factor would only
    multiply what the line makes up; 1 where nothing is decoded.
    """
    totals = np.maximum(counts.sum(axis=1).A1, 1)
    measured = (sparse.diags_array(1 / totals) @ counts).mean(axis=0)
    decoded = np.zeros(counts.shape[1])
    for start in range(0, len(z), CELLS_AT_ONCE):
        part = decoder.decode(z[start : start + CELLS_AT_ONCE], library=1)
        decoded += np.nan_to_num(part).sum(axis=0, dtype=np.float64)
    decoded /= len(z)
    ratio = np.divide(
        np.asarray(measured).ravel(), decoded, out=np.ones(len(decoded)), where=decoded > 0
    )
    return np.clip(ratio, 0.1, 10).astype(np.float32)
