import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.io import (
    InputError,
    atomic_path,
    read_anndata,
    read_inputs,
    read_table,
    require_same_names,
    sha256_array,
    sha256_file,
    write_anndata,
    write_json,
    write_table,
)


def write_half(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half way")


def test_what_a_killed_process_left_is_removed(tmp_path):
    """Of this file, by this machine, and only where the process is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = re.sub(r"\W", "-", os.uname().nodename)
    left = tmp_path / f".a.b.{host}.{gone.pid}.pdf"
    others = [
        tmp_path / f".a.b.{host}.{os.getppid()}.pdf",  # still running
        tmp_path / f".a.b.elsewhere.{gone.pid}.pdf",
        tmp_path / f".a.{host}.{gone.pid}.pdf",  # of a.pdf
        tmp_path / ".a.b.mine.pdf",
    ]
    for path in (left, *others):
        path.write_text("half")
    with atomic_path(tmp_path / "a.b.pdf") as temporary:
        temporary.write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "a.b.pdf", *others])


def test_atomic_path_leaves_the_old_file_when_writing_fails(tmp_path):
    target = tmp_path / "table.tsv"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        write_half(target)
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.tsv"]


def test_a_parquet_file_reads_as_pandas_reads_it_and_is_let_go(tmp_path):
    """Nothing of Arrow's may hold the file when the process ends (apache/arrow issue 34314)."""
    table = pd.DataFrame(
        {
            "name": ["x", None, "y"],
            "number": [1, 2, 3],
            "value": [1.5, np.nan, 2.0],
            "kept": [True, False, True],
            "list": [np.arange(3), np.arange(2), np.arange(0)],
            "kind": pd.Categorical(["u", "v", "u"]),
        }
    )
    # A folder named like this is no column, as it would be to a scan.
    path = tmp_path / "run=5" / "table.parquet"
    write_table(table, path)
    found = read_table(path)
    with path.open("rb") as handle:
        pd.testing.assert_frame_equal(found, pd.read_parquet(handle))
    held = Path("/proc/self/fd")
    if held.exists():
        assert str(path) not in {os.path.realpath(link) for link in held.iterdir()}


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


def test_inputs_are_read_by_their_keys_and_lists_of_files_by_name(tmp_path):
    table, cells = pd.DataFrame({"n": [1, 2]}), anndata.AnnData(np.eye(2, dtype=np.float32))
    write_table(table, tmp_path / "a.tsv")
    write_anndata(cells, tmp_path / "b.h5ad")
    write_json({"seed": 1}, tmp_path / "c.json")
    files = SimpleNamespace(
        x_table=tmp_path / "a.tsv", x_cells=[tmp_path / "b.h5ad"], x_config=tmp_path / "c.json"
    )
    found = read_inputs(files, {"table": None, "cells": ["pca"], "config": None}, prefix="x_")
    assert list(found) == ["table", "cells", "config"]
    assert found["table"].equals(table)
    assert found["config"] == {"seed": 1}
    assert list(found["cells"]) == ["pca"]
    assert np.array_equal(found["cells"]["pca"].X, cells.X)
