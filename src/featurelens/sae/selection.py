"""Which features of a row stay active, where they compete."""

import numpy as np


def keep_largest(before: np.ndarray, k: int) -> np.ndarray:
    """Keep the ``k`` largest values of each row, zero where negative."""
    places = np.argpartition(before, before.shape[1] - k, axis=1)[:, -k:]
    return _keep(before, places)


def keep_of_groups(before: np.ndarray, k: int) -> np.ndarray:
    """Keep the largest of each of ``k`` groups of neighbouring columns, zero where negative."""
    size = before.shape[1] // k
    places = np.arange(k) * size + before.reshape(len(before), k, size).argmax(axis=2)
    return _keep(before, places)


def _keep(before: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values at some columns of each row, zero where negative and in all other columns."""
    codes = np.zeros_like(before)
    values = np.maximum(np.take_along_axis(before, places, axis=1), 0)
    np.put_along_axis(codes, places, values, axis=1)
    return codes
