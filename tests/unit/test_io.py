import hashlib

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.io import (
    InputError,
    atomic_path,
    read_anndata,
    read_table,
    require_same_names,
    sha256_array,
    sha256_file,
    write_anndata,
    write_table,
)


def write_half(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")


def test_atomic_path_leaves_the_old_file_when_writing_fails(tmp_path):
    target = tmp_path / "table.tsv"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        write_half(target)
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.tsv"]


@pytest.mark.parametrize("suffix", ["tsv", "parquet"])
def test_tables_come_back_as_they_were(tmp_path, suffix):
    table = pd.DataFrame({"gene": ["NA", "CD3E"], "p": [1e-300, np.nan], "n": [1, 2]})
    write_table(table, tmp_path / f"table.{suffix}")
    pd.testing.assert_frame_equal(read_table(tmp_path / f"table.{suffix}"), table)


def test_tables_have_two_formats_only(tmp_path):
    with pytest.raises(ValueError, match=r"\.parquet or \.tsv"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "table.csv")


def test_read_anndata_names_the_file_that_is_missing_or_broken(tmp_path):
    with pytest.raises(InputError, match=r"gone\.h5ad: no such file; check the path"):
        read_anndata(tmp_path / "gone.h5ad")
    (tmp_path / "broken.h5ad").write_bytes(b"<html>")
    with pytest.raises(InputError, match=r"broken\.h5ad: cannot be read as \.h5ad"):
        read_anndata(tmp_path / "broken.h5ad")


def test_read_anndata_names_the_repeated_cell(tmp_path):
    adata = anndata.AnnData(np.eye(3, dtype=np.float32))
    adata.obs_names = ["a", "b", "c"]
    path = tmp_path / "cells.h5ad"
    write_anndata(adata, path)
    assert read_anndata(path).obs_names.tolist() == ["a", "b", "c"]
    import h5py

    with h5py.File(path, "r+") as file:
        file["obs/_index"][2] = "b"
    with (
        pytest.warns(UserWarning, match="not unique"),
        pytest.raises(InputError, match=r"cell name 'b' occurs more than once \(1 repeats"),
    ):
        read_anndata(path)


def test_require_same_names_shows_the_first_difference():
    left, right = pd.Index(["a", "b", "c"]), pd.Index(["a", "c", "b"])
    require_same_names(left, left, "x", "y")
    with pytest.raises(InputError, match="x and y differ at row 1: cell 'b' against 'c'"):
        require_same_names(left, right, "x", "y")
    with pytest.raises(InputError, match="x has 3 cells and y 2"):
        require_same_names(left, right[:2], "x", "y")


def test_sha256_of_an_array_sees_values_shape_and_dtype(tmp_path):
    array = np.arange(6, dtype=np.float32)
    assert sha256_array(array) == sha256_array(array.copy())
    assert sha256_array(array.reshape(2, 3)) != sha256_array(array.reshape(3, 2))
    assert sha256_array(array) != sha256_array(array.astype(np.float64))
    fortran = np.asfortranarray(array.reshape(2, 3))
    assert sha256_array(fortran) == sha256_array(array.reshape(2, 3))
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_file(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()
