"""Cells of the page: which are drawn, where, and how strongly each feature is active in them.

Numbers on the page are of all cells. Of many cells, some are drawn (:func:`drawn_cells`), and an
activation is drawn in 255 steps of the largest of its feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from featurelens.atlas.pack import gaps, pack, smallest_unsigned

if TYPE_CHECKING:
    import anndata

    from featurelens.atlas.material import Material

MOST_CELLS = 60_000
"""More cells are thinned."""
MOST_ACTIVATIONS = 2_000_000
"""Cells are thinned until no more activations than these are left, some 6 MB of the page: with
5,000 features it can be sent by mail (``build.MOST_MEGABYTES``)."""
LEAST_OF_TYPE = 50
"""Cells of a type that thinning leaves, if the type has them."""
STEPS = 255
"""Of an activation, relative to the largest of its feature."""


@dataclass(frozen=True)
class Cells:
    """The cells that are drawn."""

    rows: NDArray[np.int64]
    """Their places among all cells, ascending."""
    place: NDArray[np.float64]
    """In the plane, (n_drawn, 2)."""
    how: str
    """What the plane is."""
    codes: NDArray[np.integer]
    """Type of each drawn cell, a place among ``types``."""
    types: list[str]
    sizes: list[int]
    """Of all cells of each type."""
    rule: str
    """Which cells are drawn, in words."""

    def packed(self) -> dict[str, Any]:
        """Places (:func:`in_steps`), types, and what they are called."""
        x, y, box = in_steps(self.place)
        codes = self.codes.astype(smallest_unsigned(max(len(self.types) - 1, 0)))
        return pack(
            {"x": x, "y": y, "type": codes},
            box=box,
            how=self.how,
            types=self.types,
            sizes=self.sizes,
            rule=self.rule,
        )


def cells_of(material: Material) -> Cells:
    """Which cells are drawn and where: on their UMAP, without one on principal components."""
    features = material.features
    types = features.obs["cell_type"].cat.remove_unused_categories()
    codes = types.cat.codes.to_numpy().astype(np.int64)
    rows, rule = drawn_cells(codes, features.X.indptr)
    place, how = np.asarray(features.obsm["X_pca"]), "first two principal components"
    if material.umap is not None:
        place, how = material.umap, "UMAP"
    return Cells(
        rows=rows,
        place=place[rows].astype(np.float64),
        how=f"{how} of the embedding",
        codes=codes[rows],
        types=[str(name) for name in types.cat.categories],
        sizes=np.bincount(codes, minlength=len(types.cat.categories)).tolist(),
        rule=rule,
    )


def drawn_cells(codes: NDArray[np.integer], starts: NDArray) -> tuple[NDArray[np.int64], str]:
    """Which cells are drawn, and in words.

    Parameters
    ----------
    codes
        Type of each cell, (n_cells,).
    starts
        Where the activations of each cell begin, (n_cells + 1,): a CSR's ``indptr``.

    Returns
    -------
    rows, rule
        All cells while there are at most :data:`MOST_CELLS` of at most :data:`MOST_ACTIVATIONS`.
        Else the same share of every type, but no fewer than :data:`LEAST_OF_TYPE` of one that has
        them, evenly spread over the order of the cells, so that no draw decides.
    """
    n_cells, n_active = len(codes), int(starts[-1])
    share = min(1.0, MOST_CELLS / max(n_cells, 1), MOST_ACTIVATIONS / max(n_active, 1))
    if share == 1.0:
        return np.arange(n_cells), f"all {n_cells:,} cells are drawn"
    chosen = []
    for code in np.unique(codes):
        own = np.flatnonzero(codes == code)
        count = min(len(own), max(int(share * len(own)), LEAST_OF_TYPE))
        chosen.append(own[np.arange(count) * len(own) // count])
    rows = np.sort(np.concatenate(chosen))
    rule = (
        f"{len(rows):,} of {n_cells:,} cells are drawn: {100 * share:.3g} % of each type, no fewer "
        f"than {LEAST_OF_TYPE}, evenly over their order; all numbers are of all cells"
    )
    return rows, rule


NOWHERE = 65535
"""Coordinate of what has no place."""


def in_steps(
    place: NDArray[np.float64],
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], list[float]]:
    """Coordinates (n, 2) in 65,534 steps of the longer side, and the box: low x, low y, side.

    Where a coordinate is NaN both are :data:`NOWHERE`.
    """
    known = ~np.isnan(place).any(axis=1)
    steps = np.full((len(place), 2), NOWHERE, dtype=np.uint16)
    if not known.any():
        return steps[:, 0], steps[:, 1], [0.0, 0.0, 1.0]
    low = place[known].min(axis=0)
    side = float((place[known].max(axis=0) - low).max()) or 1.0
    steps[known] = np.rint((place[known] - low) / side * (NOWHERE - 1))
    return steps[:, 0], steps[:, 1], [float(low[0]), float(low[1]), side]


@dataclass(frozen=True)
class Activations:
    """Activations in the drawn cells, feature by feature."""

    columns: sparse.csc_matrix
    """(n_drawn, n_features), row numbers ascending in every column."""

    @classmethod
    def of(cls, features: anndata.AnnData, rows: NDArray[np.int64]) -> Activations:
        """Those of some of the cells."""
        columns = sparse.csc_matrix(features.X[rows])
        columns.sort_indices()
        return cls(columns)

    def coded(
        self, numbers: range, highest: NDArray
    ) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
        """Cells (:func:`featurelens.atlas.pack.gaps`) and steps of some features.

        ``highest`` are the largest activations over all cells, (n_features,). An activation that
        is not zero has at least one step.
        """
        cells, steps = [], []
        for number in numbers:
            start, end = self.columns.indptr[number : number + 2]
            cells.append(gaps(self.columns.indices[start:end]))
            share = np.abs(self.columns.data[start:end]) / (abs(highest[number]) or 1.0)
            steps.append(np.clip(np.rint(share * STEPS), 1, STEPS).astype(np.uint8))
        return cells, steps
