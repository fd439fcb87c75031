"""Activations read by columns, and described some features at a time."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.features import activations as module
from featurelens.features.activations import (
    by_features,
    read_activations,
    read_without_activations,
)
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features


@pytest.fixture
def cells():
    rng = np.random.default_rng(0)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(rng.choice(["B", "NK", "T"], size=300)),
            "batch": pd.Categorical(rng.choice(["a", "b"], size=300)),
        },
        index=[f"cell{number}" for number in range(300)],
    )
    return anndata.AnnData(obs=obs, obsm={"X_emb": rng.normal(size=(300, 4)).astype(np.float32)})


@pytest.fixture
def dense():
    values = np.random.default_rng(1).normal(-1, 1, size=(300, 17)).astype(np.float32)
    values[:, 5] = -1  # dead
    return np.maximum(values, 0)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, np.asarray])
@pytest.mark.parametrize("at_once", [1, 4_000_000])
def test_columns_are_those_of_the_file(tmp_path, monkeypatch, cells, dense, form, at_once):
    monkeypatch.setattr(module, "VALUES", at_once)
    anndata.AnnData(X=form(dense), obs=cells.obs).write_h5ad(tmp_path / "features.h5ad")
    names, columns = read_activations(tmp_path / "features.h5ad")
    assert names.tolist() == cells.obs_names.tolist()
    assert columns.format == "csc"
    assert columns.has_sorted_indices
    np.testing.assert_array_equal(columns.toarray(), dense)


def test_parts_hold_every_feature_once(monkeypatch, dense):
    monkeypatch.setattr(module, "AT_ONCE", 300)
    parts = [part.toarray() for part in by_features(sparse.csr_matrix(dense))]
    assert len(parts) > 1
    np.testing.assert_array_equal(np.hstack(parts), dense)


def test_features_described_in_parts_are_those_described_at_once(monkeypatch, cells, dense):
    values = sparse.csr_matrix(dense)
    whole = describe_features(values, cells, FeatureConfig())
    monkeypatch.setattr(module, "AT_ONCE", 300)
    parts = describe_features(values, cells, FeatureConfig())
    pd.testing.assert_frame_equal(parts.var, whole.var, check_exact=True)
    assert set(parts.varm) == set(whole.varm)
    for name, expected in whole.varm.items():
        np.testing.assert_array_equal(parts.varm[name], expected)


def test_what_is_said_of_features_is_read_without_their_activations(tmp_path):
    whole = anndata.AnnData(
        sparse.csr_matrix(np.eye(3, 2, dtype=np.float32)),
        obs=pd.DataFrame({"cell_type": pd.Categorical(["a", "b", "b"])}, index=list("xyz")),
        var=pd.DataFrame({"n_active": [1, 1]}, index=["0", "1"]),
        varm={"type_means": np.array([[1.0, 0.0], [0.0, 0.5]])},
        uns={"cell_types": np.array(["a", "b"], dtype=object)},
    )
    whole.layers["mean"] = whole.X
    whole.write_h5ad(tmp_path / "features.h5ad")
    read = read_without_activations(tmp_path / "features.h5ad")
    assert read.X is None
    assert not read.layers
    pd.testing.assert_frame_equal(read.obs, whole.obs)
    pd.testing.assert_frame_equal(read.var, whole.var)
    assert read.varm["type_means"].tolist() == [[1.0, 0.0], [0.0, 0.5]]
    assert list(read.uns["cell_types"]) == ["a", "b"]
