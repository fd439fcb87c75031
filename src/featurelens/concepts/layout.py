"""Places in the plane for features, by the terms they carry."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from featurelens.compiled_umap import import_umap

MIN_FOR_UMAP = 5
"""Fewer features are laid out by principal components: UMAP has no neighbours to work with."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Parameters of a UMAP."""

    min_dist: float
    n_neighbors: int
    spread: float
    seed: int


PUBLISHED_CODE = Layout(min_dist=0.5, n_neighbors=20, spread=10.0, seed=0)
"""What the author's ``mlcb_figure_3.py`` has for multiDGD, where the text has 1.0 and 10."""


def lay_out(matrix: sparse.csr_matrix, layout: Layout) -> tuple[NDArray[np.float32], str]:
    """Place the rows of a binary matrix in the plane, (n_rows, 2), and say how.

    ``umap``; ``umap from a random start`` (rows differ in one term or none); ``pca`` (too few rows
    for UMAP); or ``none`` (no row). UMAP starts from principal components. From the spectrum of its
    graph, its default, it goes elsewhere at every call where many rows are the same, whatever the
    seed (umap-learn 0.5.12, its issue 1277), and rounding decides whether there is a spectrum.
    """
    n_features = matrix.shape[0]
    if n_features == 0:
        return np.zeros((0, 2), dtype=np.float32), "none"
    if n_features < MIN_FOR_UMAP:
        return _principal_axes(matrix), "pca"
    if np.ptp(matrix.toarray(), axis=0).sum() < 2:
        return _umap(matrix, layout, "random"), "umap from a random start"
    return _umap(matrix, layout, "pca"), "umap"


def _principal_axes(matrix: sparse.csr_matrix) -> NDArray[np.float32]:
    """First two principal components, zeros where there are fewer; signs fixed."""
    dense = matrix.toarray().astype(np.float64)
    left, size, _ = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    scores = (left * size)[:, :2]
    strongest = np.abs(scores).argmax(axis=0)
    scores = scores * np.where(scores[strongest, np.arange(scores.shape[1])] < 0, -1, 1)
    place = np.zeros((len(dense), 2), dtype=np.float32)
    place[:, : scores.shape[1]] = scores
    return place


def _umap(matrix: sparse.csr_matrix, layout: Layout, start: str) -> NDArray[np.float32]:
    model = import_umap().UMAP(
        n_neighbors=min(layout.n_neighbors, matrix.shape[0] - 1),
        min_dist=layout.min_dist,
        spread=layout.spread,
        init=start,
        random_state=layout.seed,
        n_jobs=1,
    )
    # With a wide spread UMAP's curve fit tries exponents that divide by zero at distance 0.
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        # Features without a common term fall apart into islands, which UMAP places one by one.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        return np.asarray(model.fit_transform(matrix.toarray()), dtype=np.float32)
