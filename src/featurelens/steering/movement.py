"""Where an edit takes cells in the embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featurelens.io import InputError


@dataclass(frozen=True)
class Centroids:
    """Means of cell types in the embedding."""

    names: tuple[str, ...]
    points: np.ndarray
    """(n_types, d) float64."""

    @classmethod
    def of(cls, embedding: np.ndarray, cell_type: np.ndarray) -> Centroids:
        """Of every type, from cells (n, d) and their types (n,)."""
        labels = np.asarray(cell_type, dtype=str)
        names = tuple(sorted(set(labels)))
        wide = embedding.astype(np.float64)
        points = np.stack([wide[labels == name].mean(axis=0) for name in names])
        return cls(names=names, points=points)

    def place(self, name: str) -> np.ndarray:
        """Mean of one type, (d,).

        Raises
        ------
        InputError
            If there is none of that name.
        """
        if name not in self.names:
            raise InputError(f"no cell is of type {name!r}; types are {', '.join(self.names)}")
        return self.points[self.names.index(name)]

    def distances(self, z: np.ndarray) -> np.ndarray:
        """From every cell to every mean, (n, n_types)."""
        return np.linalg.norm(z[:, None, :].astype(np.float64) - self.points, axis=2)

    def nearest(self, z: np.ndarray) -> np.ndarray:
        """Name of the nearest type of every cell, (n,)."""
        return np.asarray(self.names)[self.distances(z).argmin(axis=1)]


@dataclass(frozen=True)
class Movement:
    """Of every cell, (n,) float64."""

    displacement: np.ndarray
    """Length of the way."""
    progress: np.ndarray
    """How much nearer the cell is to the target's mean."""
    efficiency: np.ndarray
    """Progress per length of the way, from -1 to 1; NaN for cells that did not move."""
    distance: np.ndarray
    """From the cell to the target's mean before the edit."""
    elsewhere: np.ndarray
    """Most progress per length of the way towards any type but origin and target; NaN without."""
    changed: np.ndarray
    """Whether the nearest type is another one than before."""
    arrived: np.ndarray
    """Whether the target is the nearest type, and was not before."""

    @property
    def way(self) -> float:
        """Share of the mean distance to the target that the cells have covered.

        Unlike the mean of shares it is not ruled by cells that were there already.
        """
        return float(self.progress.mean() / self.distance.mean())


def movement(
    before: np.ndarray, after: np.ndarray, centroids: Centroids, *, target: str, origin: str = ""
) -> Movement:
    """How cells move, towards what.

    Parameters
    ----------
    before, after
        The same cells, (n, d).
    centroids
        Of the types that they may come to lie next to.
    target, origin
        Types; what lies in the direction of the origin is not counted as elsewhere.

    Examples
    --------
    A step of 2 on a way of 4, and one of 3 in the opposite direction:

    >>> centroids = Centroids(("a", "b"), np.array([[0.0, 0.0], [4.0, 0.0]]))
    >>> start, end = np.zeros((2, 2)), np.array([[2.5, 0.0], [-3.0, 0.0]])
    >>> moved = movement(start, end, centroids, target="b")
    >>> moved.efficiency, moved.arrived
    (array([ 1., -1.]), array([ True, False]))
    """
    step = after.astype(np.float64) - before.astype(np.float64)
    displacement = np.linalg.norm(step, axis=1)
    goal = centroids.place(target)
    distances = np.linalg.norm(before - goal, axis=1)
    progress = distances - np.linalg.norm(after - goal, axis=1)
    per_way = 1 / np.where(displacement > 0, displacement, np.nan)
    others = [name for name in centroids.names if name not in (target, origin)]
    elsewhere = np.full(len(before), np.nan)
    if others:
        places = np.stack([centroids.place(name) for name in others])
        gains = [
            np.linalg.norm(before - place, axis=1) - np.linalg.norm(after - place, axis=1)
            for place in places
        ]
        elsewhere = np.max(gains, axis=0) * per_way
    nearest = [centroids.nearest(z) for z in (before, after)]
    return Movement(
        displacement=displacement,
        progress=progress,
        efficiency=progress * per_way,
        distance=distances,
        elsewhere=elsewhere,
        changed=nearest[0] != nearest[1],
        arrived=(nearest[1] == target) & (nearest[0] != target),
    )
