"""Random directions that fire as often as an SAE's features: its sparsity without its training."""

import numpy as np

from featurelens.sae.model import SAE

STREAM = 3
"""Purpose of the random stream; training uses 0 to 2."""
_CHUNK = 4096


def random_directions(sae: SAE, X: np.ndarray, *, seed: int) -> SAE:
    """Replace each feature by a random direction with a threshold of its own.

    Directions are uniform on the sphere. The threshold lies midway between two neighbouring
    projections, so that exactly as many rows lie above it as the SAE's feature is active in (but
    for ties). A feature that is active in no row never fires.

    Parameters
    ----------
    sae
        The SAE to match.
    X
        Rows that it is applied to, (n, d_in).
    seed
        Seed of the directions.

    Returns
    -------
    SAE
        Of the same shape; a feature's activation is its projection above the threshold, and its
        decoder row is the direction itself.
    """
    rng = np.random.default_rng([seed, STREAM])
    rows = rng.normal(size=(sae.d_sae, sae.d_in))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    W_enc = np.ascontiguousarray(rows.T)
    X = np.asarray(X, dtype=np.float32)
    n_active = sum((codes > 0).sum(axis=0) for codes in sae.encode_chunks(X, _CHUNK))
    return SAE(
        architecture="random",
        W_enc=W_enc,
        b_enc=-thresholds(X, W_enc, n_active),
        W_dec=rows,
        b_dec=np.zeros(sae.d_in, dtype=np.float32),
    )


def thresholds(X: np.ndarray, W_enc: np.ndarray, n_above: np.ndarray) -> np.ndarray:
    """Values that ``n_above`` (d_sae,) of the projections ``X W_enc`` exceed, float32 (d_sae,)."""
    n_rows = len(X)
    found = np.empty(W_enc.shape[1], dtype=np.float32)
    for columns in (slice(i, i + 256) for i in range(0, W_enc.shape[1], 256)):
        ordered = np.sort(X @ W_enc[:, columns], axis=0)
        lowest, highest = ordered[:1], ordered[-1:]
        step = (highest - lowest) / n_rows
        ordered = np.vstack([lowest - step, ordered, highest + step])
        place = (n_rows - n_above[columns])[None, :]
        below = np.take_along_axis(ordered, place, axis=0)[0]
        above = np.take_along_axis(ordered, place + 1, axis=0)[0]
        middle = below + (above - below) / 2
        found[columns] = np.where(middle < above, middle, below)
    return found
