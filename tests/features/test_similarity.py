"""Features by the cells that activate them, against scikit-learn and umap-learn's own ways."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity as sklearn_similarity
from sklearn.metrics.pairwise import euclidean_distances

from featurelens.features import similarity
from featurelens.features.similarity import _between_rows, cosine_similarity, map_features


def features(n_cells=80, n_features=40, n_groups=3):
    """Features of three groups of cells that share none; the last two are dead."""
    rng = np.random.default_rng(0)
    group = np.arange(n_cells) % n_groups
    dense = rng.random((n_cells, n_features)) * (rng.random((n_cells, n_features)) < 0.7)
    dense *= group[:, None] == np.arange(n_features) % n_groups
    dense[:, -2:] = 0
    var = pd.DataFrame(
        {
            "type": "local",
            "type_published": "global",
            "n_active": (dense > 0).sum(axis=0),
            "top_cell_type": pd.Categorical(["B"] * n_features),
            "share_in_type": 0.7,
        },
        index=[str(n) for n in range(n_features)],
    )
    return AnnData(sparse.csr_matrix(dense.astype(np.float32)), var=var)


@pytest.mark.parametrize("at_once", [similarity.VALUES, 100])
def test_similarity_is_that_of_scikit_learn(monkeypatch, at_once):
    monkeypatch.setattr(similarity, "VALUES", at_once)
    X = features().X[:, :-2]
    np.testing.assert_allclose(cosine_similarity(X), sklearn_similarity(X.toarray().T), atol=1e-6)


def test_distances_of_rows_are_euclidean():
    rows = cosine_similarity(features().X[:, :-2])
    np.testing.assert_allclose(_between_rows(rows), euclidean_distances(rows), atol=1e-6)


def test_features_of_the_same_cells_lie_together():
    made = map_features(features())
    assert list(made.obs_names) == [str(n) for n in range(38)]
    assert made.uns["layout"] == "umap"
    assert set(made.obs["main_type"]) == {"B (70 %)"}
    group = np.arange(38) % 3
    for name in ("X_umap", "X_umap_published"):
        distance = euclidean_distances(made.obsm[name])
        np.fill_diagonal(distance, np.inf)
        nearest = distance.argmin(axis=1)
        assert (group[nearest] == group).mean() > 0.9, name


def test_a_map_is_the_same_twice_and_another_by_another_seed():
    first, second = (map_features(features()).obsm["X_umap"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, map_features(features(), seed=1).obsm["X_umap"])


@pytest.mark.parametrize("n_live", [0, 1, 2, 4])
def test_few_features_are_laid_out_by_principal_components(n_live):
    made = map_features(features(n_features=n_live + 2))
    assert made.n_obs == n_live
    assert made.uns["layout"] == "pca"
    assert np.isfinite(made.obsm["X_umap"]).all()


def test_principal_axes_are_those_of_classical_scaling():
    few = features(n_features=6)
    place = map_features(few).obsm["X_umap"]
    similarity = sklearn_similarity(few.X[:, :-2].toarray().T)
    n = len(similarity)
    centring = np.eye(n) - 1 / n
    values = np.sort(np.linalg.eigvalsh(centring @ similarity @ centring))[::-1]
    np.testing.assert_allclose((place**2).sum(axis=0), values[:2], rtol=1e-5)
