"""``.h5mu`` files in the form of mudata 0.2 to 0.4: each modality has its own obs and obsm."""

import h5py
import numpy as np
import pytest

from featurelens.datasets.checks import check_dataset
from featurelens.datasets.readers import read_dataset, read_type_sizes
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.registry import check_model
from featurelens.io import InputError
from made_mudata import CELLS, COUNTS, mudata_cells, write_mudata


@pytest.fixture
def path(tmp_path):
    return write_mudata(tmp_path / "cells.h5mu")


def test_columns_come_from_the_modality_and_from_all(path):
    config = mudata_cells(path)
    check_dataset(config, cell_types=["b"])
    cells = read_dataset(config)
    assert cells.obs_names.tolist() == CELLS
    assert cells.obs["cell_type"].tolist() == ["c", "a", "a", "b"]
    assert cells.obs["batch"].tolist() == ["x", "x", "y", "y"]
    np.testing.assert_array_equal(cells.layers["counts"].toarray(), COUNTS)
    assert read_type_sizes(config) == {"a": 2, "b": 1, "c": 1}
    chosen = read_dataset(mudata_cells(path, only={"celltype": "a"}))
    assert chosen.obs_names.tolist() == ["c2", "c3"]
    assert read_type_sizes(mudata_cells(path, only={"celltype": "a"})) == {"a": 2}


def test_both_kinds_of_embeddings_are_found_and_masks_are_none(path):
    config = mudata_cells(path)
    cells = read_dataset(config)
    assert sorted(cells.obsm) == ["X_joint", "X_pca"]
    np.testing.assert_array_equal(cells.obsm["X_joint"], np.eye(4))
    np.testing.assert_array_equal(cells.obsm["X_pca"], np.arange(8.0).reshape(4, 2))
    for key in ("X_joint", "X_pca"):
        check_model(config, PrecomputedModel(key=key))
    with pytest.raises(InputError, match=r"obsm has no 'rna'; there is: X_joint, X_pca"):
        check_model(config, PrecomputedModel(key="rna"))


def test_a_fault_of_an_embedding_is_told_by_its_cell(path):
    with h5py.File(path, "a") as file:
        file["mod/rna/obsm/X_pca"][0, 1] = np.nan  # first row of the modality, last cell
    with pytest.raises(InputError, match="cell 'c4' has NaN"):
        check_model(mudata_cells(path), PrecomputedModel(key="X_pca"))


def test_the_name_that_mudata_shows_is_told_apart(path):
    with pytest.raises(InputError, match=r"no 'rna:celltype'; did you mean 'celltype'\?"):
        check_dataset(mudata_cells(path, cell_type="rna:celltype"))
