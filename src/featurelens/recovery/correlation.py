"""Correlations between many neurons and many variables, as products of standardised matrices."""

from collections.abc import Sequence

import numpy as np

from featurelens.stats.pairs import best_pairs

_FLAT = 1e-6
_BLOCK = 1_000


def distinct_rows(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Find rows that are equal in every part, so that each is computed once.

    The small simulation has about a hundred distinct cells among 12,000.

    Parameters
    ----------
    parts
        Arrays (n_rows, any).

    Returns
    -------
    first : (n_distinct,) int
        A row of each kind.
    counts : (n_distinct,) float
        How many rows it stands for. Equality is checked value by value, never assumed.
    """
    n_rows = len(parts[0])
    rng = np.random.default_rng(0)
    key = np.zeros(n_rows)
    for part in parts:
        kind = part.dtype if np.issubdtype(part.dtype, np.floating) else np.float64
        key += part @ rng.standard_normal((part.shape[1],)).astype(kind)
    _, first, inverse, counts = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    if len(first) < n_rows and all(np.array_equal(part, part[first[inverse]]) for part in parts):
        return first, counts.astype(np.float64)
    return np.arange(n_rows), np.ones(n_rows)


def match(strength: np.ndarray) -> float:
    """Mean over variables (rows) when every neuron (column) serves at most one.

    Examples
    --------
    >>> match(np.array([[0.9, 0.8], [0.8, 0.1]]))
    0.8
    """
    return float(best_pairs(strength).similarity.sum() / len(strength))


def eta(neurons: np.ndarray, levels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Correlation ratio η of every neuron over the levels: sqrt(between / total sum of squares).

    ``neurons`` are centred and of unit length, so the share between levels is the squared length
    of their projection on the orthonormal level indicators.
    """
    weighted = levels * np.sqrt(counts)[:, None]
    indicators = (weighted / np.sqrt(counts @ levels)).astype(np.float32)
    return np.sqrt(np.square(indicators.T @ neurons).sum(axis=0))


def standardise(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Centre columns and scale them to unit length, so that a product of two is Pearson's r.

    Rows are weighted by the number of cells they stand for. A column that never varies (its range
    is within rounding of its size) becomes NaN.

    Examples
    --------
    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([1, 1])).round(4)
    array([[-0.7071,     nan],
           [ 0.7071,     nan]], dtype=float32)
    """
    result = np.empty(values.shape, dtype=np.float32)
    shares, roots = counts / counts.sum(), np.sqrt(counts)[:, None]
    for start in range(0, values.shape[1], _BLOCK):
        block = values[:, start : start + _BLOCK].astype(np.float64)
        is_flat = np.ptp(block, axis=0) <= _FLAT * np.abs(block).max(axis=0)
        block -= shares @ block
        block *= roots
        length = np.linalg.norm(block, axis=0)
        length[is_flat] = np.nan
        result[:, start : start + _BLOCK] = block / length
    return result


def count_redundant(neurons: np.ndarray, *, threshold: float) -> int:
    """Count neurons whose r with an earlier one exceeds the threshold (never with themselves).

    Examples
    --------
    The second neuron repeats the first, the third is another:

    >>> neurons = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> count_redundant(neurons, threshold=0.95)
    1
    """
    n_redundant = 0
    for start in range(0, neurons.shape[1], _BLOCK):
        block = neurons[:, start : start + _BLOCK]
        earlier = neurons[:, :start].T @ block > threshold
        within = np.triu(block.T @ block > threshold, k=1)
        n_redundant += int((earlier.any(axis=0) | within.any(axis=0)).sum())
    return n_redundant
