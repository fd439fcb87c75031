"""Places of features in the plane: by their terms, by their directions, by their cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from featurelens.atlas.cells import Activations, Cells
from featurelens.atlas.material import Material

LEAST_FOR_TSNE = 15
"""Fewer features are laid out by principal components."""


class FeatureMap(NamedTuple):
    """One layout."""

    name: str
    """``concepts``, ``directions`` or ``cells``."""
    label: str
    how: str
    """What nearness means."""
    place: NDArray[np.float64]
    """(n_features, 2); NaN where a feature has no place."""


def feature_maps(
    material: Material, cells: Cells, activations: Activations, live: NDArray[np.bool_]
) -> list[FeatureMap]:
    """The layouts that can be made of this material; that by cells always can."""
    maps = [_by_concepts(material, name) for name in material.collections]
    if material.directions is not None:
        maps.append(_by_directions(material.directions, live))
    maps.append(_by_cells(cells, activations))
    return [each for each in maps if each is not None]


def _by_concepts(material: Material, collection: str) -> FeatureMap | None:
    concepts = material.collections[collection].concepts
    if concepts is None or "X_umap" not in concepts.obsm or not concepts.n_obs:
        return None
    place = np.full((material.features.n_vars, 2), np.nan)
    place[material.features.var_names.get_indexer(concepts.obs_names)] = concepts.obsm["X_umap"]
    several = len(material.collections) > 1
    return FeatureMap(
        f"concepts-{collection}" if several else "concepts",
        f"concepts ({collection})" if several else "concepts",
        "Near features carry the same gene sets (UMAP of features by terms). Features without a "
        "term have no place here.",
        place,
    )


def _by_directions(directions: NDArray, live: NDArray[np.bool_]) -> FeatureMap:
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    rows = np.flatnonzero(live & (length[:, 0] > 0))
    unit = (directions / np.where(length > 0, length, 1.0))[rows].astype(np.float32)
    place = np.full((len(directions), 2), np.nan)
    if len(rows) >= LEAST_FOR_TSNE:
        from sklearn.manifold import TSNE

        # UMAP would do as well, and takes four times as long to import as this takes to end.
        how = "t-SNE"
        perplexity = min(30.0, (len(rows) - 1) / 3)
        model = TSNE(perplexity=perplexity, max_iter=500, init="pca", random_state=0, n_jobs=1)
        place[rows] = model.fit_transform(unit)
    else:
        how = "principal components"
        centred = unit - unit.mean(axis=0) if len(rows) else unit
        left, size, _ = np.linalg.svd(centred, full_matrices=False)
        scores = (left * size)[:, :2]
        place[rows, : scores.shape[1]] = scores
        place[rows] = np.nan_to_num(place[rows])
    text = f"Near features add the same to the embedding ({how} of decoder directions)."
    return FeatureMap("directions", "directions", text, place)


def _by_cells(cells: Cells, activations: Activations) -> FeatureMap:
    weights = abs(activations.columns)
    total = np.asarray(weights.sum(axis=0)).ravel()
    sums = np.asarray(weights.T @ cells.place)
    place = np.divide(
        sums, total[:, None], out=np.full((len(total), 2), np.nan), where=total[:, None] > 0
    )
    text = (
        "A feature stands at the centre of its cells on the map of cells, weighted by activation; "
        "near features are active in the same region."
    )
    return FeatureMap("cells", "centres of cells", text, place)
