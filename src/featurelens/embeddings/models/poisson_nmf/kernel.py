"""The inner loop of the updates, compiled; loaded when cells are factorised."""

from numba import njit


@njit
def divide(data, indices, indptr, weights, genes, out):  # type: ignore[no-untyped-def]
    """Stored counts over their expected values, ``C / WH``, into ``out``."""
    for row in range(weights.shape[0]):
        for position in range(indptr[row], indptr[row + 1]):
            column = indices[position]
            expected = 0.0
            for factor in range(weights.shape[1]):
                expected += weights[row, factor] * genes[column, factor]
            out[position] = data[position] / expected
