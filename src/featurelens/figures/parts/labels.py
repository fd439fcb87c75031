"""Names beside points and lines, so that they do not lie on each other."""

import numpy as np


def apart(heights: np.ndarray, least: float) -> np.ndarray:
    """Rising heights moved apart to ``least``, around where they were.

    Examples
    --------
    >>> apart(np.array([0.0, 1.0, 1.0]), 0.5)
    array([0.  , 0.75, 1.25])
    """
    moved = heights.astype(float).copy()
    for _ in range(200):
        gaps = np.diff(moved)
        if (gaps >= least * 0.999).all():
            break
        for i in np.flatnonzero(gaps < least):
            push = (least - (moved[i + 1] - moved[i])) / 2
            moved[i] -= push
            moved[i + 1] += push
    return moved


def far_out(x: np.ndarray, y: np.ndarray, strong: np.ndarray, *, most: int = 12) -> list[int]:
    """Points to name: far out on both axes first, none whose name would lie on another's.

    Parameters
    ----------
    x, y
        Places, (n,).
    strong
        Which may be named, (n,).
    """
    wide, tall = (np.abs(values).max() or 1.0 for values in (x, y))
    score = np.where(strong, np.abs(y) / tall + np.abs(x) / wide, 0)
    chosen: list[int] = []
    for row in np.argsort(-score):
        free = all(
            abs(x[row] - x[other]) > 0.55 * wide or abs(y[row] - y[other]) > 0.07 * tall
            for other in chosen
        )
        if score[row] > 0 and free and len(chosen) < most:
            chosen.append(int(row))
    return chosen
