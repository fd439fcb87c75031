"""``.h5mu`` files in the form of mudata 0.2 to 0.4: each modality has its own obs and obsm."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from anndata.io import write_elem
from scipy import sparse

from featurelens.datasets.checks import check_dataset, check_embedding_key
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset, read_type_sizes
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.registry import check_model
from featurelens.io import InputError

COUNTS = np.array([[1, 0, 3], [0, 2, 2], [5, 0, 0], [0, 0, 7]])
CELLS = ["c1", "c2", "c3", "c4"]


@pytest.fixture
def path(tmp_path):
    """Common donors and embedding; types and an embedding of RNA, in the opposite order."""
    rna = anndata.AnnData(
        sparse.csr_matrix(COUNTS[::-1].astype(np.float32)),
        obs=pd.DataFrame({"celltype": pd.Categorical(["b", "a", "a", "c"])}, index=CELLS[::-1]),
        var=pd.DataFrame(index=["E1", "E2", "E3"]),
        obsm={"X_pca": np.arange(8.0).reshape(4, 2)[::-1]},
    )
    protein = anndata.AnnData(
        np.ones((4, 2), dtype=np.float32),
        obs=pd.DataFrame(index=CELLS),
        var=pd.DataFrame(index=["P1", "P2"]),
    )
    with h5py.File(tmp_path / "cells.h5mu", "w") as file:
        file.attrs["encoding-type"] = "MuData"
        write_elem(file, "obs", pd.DataFrame({"donor": ["x", "x", "y", "y"]}, index=CELLS))
        write_elem(file, "var", pd.DataFrame(index=["E1", "E2", "E3", "P1", "P2"]))
        present = {"rna": np.ones(4, dtype=bool), "protein": np.ones(4, dtype=bool)}
        write_elem(file, "obsm", {"X_joint": np.eye(4)} | present)
        write_elem(file, "mod/rna", rna)
        write_elem(file, "mod/protein", protein)
    return tmp_path / "cells.h5mu"


def own(path, **changes):
    return OwnCells(
        **{"path": str(path), "cell_type": "celltype", "batch": "donor", "modality": "rna"}
        | changes
    )


def test_columns_come_from_the_modality_and_from_all(path):
    config = own(path)
    check_dataset(config, cell_types=["b"])
    cells = read_dataset(config)
    assert cells.obs_names.tolist() == CELLS
    assert cells.obs["cell_type"].tolist() == ["c", "a", "a", "b"]
    assert cells.obs["batch"].tolist() == ["x", "x", "y", "y"]
    np.testing.assert_array_equal(cells.layers["counts"].toarray(), COUNTS)
    assert read_type_sizes(config) == {"a": 2, "b": 1, "c": 1}
    chosen = read_dataset(own(path, only={"celltype": "a"}))
    assert chosen.obs_names.tolist() == ["c2", "c3"]
    assert read_type_sizes(own(path, only={"celltype": "a"})) == {"a": 2}


def test_both_kinds_of_embeddings_are_found_and_masks_are_none(path):
    config = own(path)
    cells = read_dataset(config)
    assert sorted(cells.obsm) == ["X_joint", "X_pca"]
    np.testing.assert_array_equal(cells.obsm["X_joint"], np.eye(4))
    np.testing.assert_array_equal(cells.obsm["X_pca"], np.arange(8.0).reshape(4, 2))
    for key in ("X_joint", "X_pca"):
        check_model(config, PrecomputedModel(key=key))
    with pytest.raises(InputError, match=r"obsm has no 'rna'; there is: X_joint, X_pca"):
        check_embedding_key(config, "rna")


def test_a_fault_of_an_embedding_is_told_by_its_cell(path):
    with h5py.File(path, "a") as file:
        file["mod/rna/obsm/X_pca"][0, 1] = np.nan  # first row of the modality, last cell
    with pytest.raises(InputError, match="cell 'c4' has NaN"):
        check_embedding_key(own(path), "X_pca")


def test_the_name_that_mudata_shows_is_told_apart(path):
    with pytest.raises(InputError, match=r"no 'rna:celltype'; did you mean 'celltype'\?"):
        check_dataset(own(path, cell_type="rna:celltype"))
