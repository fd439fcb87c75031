"""Directions that a feature is compared with: what else leads from one cell type to another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix

from featurelens.embeddings.decoders.surrogate import ridge
from featurelens.sae.random_directions import unit_rows
from featurelens.steering.edits import SparseAutoencoder

CHUNK_ROWS = 4096
"""Cells encoded at once."""


def mean_difference(origin: np.ndarray, target: np.ndarray) -> np.ndarray:
    """From the mean of some cells (n, d) to the mean of others, as a unit vector (d,)."""
    step = target.mean(axis=0, dtype=np.float64) - origin.mean(axis=0, dtype=np.float64)
    return unit_rows(step[None])[0]


def probe_direction(origin: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Weights of a linear probe that tells target from origin, a unit vector (d,).

    Ridge regression of the label on the embedding (:func:`ridge`), which without its penalty has
    the direction of Fisher's discriminant.
    """
    y = np.repeat([-1.0, 1.0], [len(origin), len(target)])
    weights, _ = ridge(np.concatenate([origin, target]), csr_matrix(y[:, None]), alpha=1.0)
    return unit_rows(weights.T)[0]


def most_alike(
    sae: SparseAutoencoder, embedding: np.ndarray, activation: np.ndarray
) -> tuple[int, float]:
    """The feature of another SAE whose activations go most with some given, and their Pearson r.

    Parameters
    ----------
    embedding
        Of the cells, (n, d).
    activation
        To be matched, (n,).
    """
    wide = activation.astype(np.float64)
    centred = wide - wide.mean()
    n_features = len(sae.directions)
    total, squares, product = np.zeros((3, n_features))
    for rows, codes in _encoded(sae, embedding):
        total += codes.sum(axis=0)
        squares += (codes**2).sum(axis=0)
        product += centred[rows] @ codes
    spread = squares - total**2 / len(wide)
    scale = np.sqrt(np.maximum(spread, 0) * (centred @ centred))
    r = np.divide(product, scale, out=np.full(n_features, -np.inf), where=scale > 1e-12)
    best = int(r.argmax())
    return best, float(r[best]) if np.isfinite(r[best]) else float("nan")


def _encoded(sae: SparseAutoencoder, embedding: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, len(embedding), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        yield rows, sae.encode(embedding[rows]).astype(np.float64)
