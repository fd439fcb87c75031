"""Forms of files and tables that people have: read, or refused with what to do."""

import gzip
import subprocess
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.datasets.checks import check_dataset, no_expression
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset, take_cells
from featurelens.io import InputError

COUNTS = np.array([[1, 0, 3], [0, 2, 2], [5, 0, 0], [0, 0, 7]])


@pytest.fixture
def adata():
    return anndata.AnnData(
        X=sparse.csr_matrix(COUNTS.astype(np.float32)),
        obs=pd.DataFrame({"celltype": ["b", "a", "a", "b"]}, index=["c1", "c2", "c3", "c4"]),
        var=pd.DataFrame({"name": ["CD19", "x", "LYZ"]}, index=["E1", "E2", "E3"]),
        obsm={"X_model": np.arange(8.0).reshape(4, 2)},
    )


def own(path, **changes):
    return OwnCells(**{"path": str(path), "cell_type": "celltype"} | changes)


def test_nullable_strings_anywhere_are_read_and_can_be_written(adata, tmp_path):
    """anndata 0.12 writes them only where told to, pandas 3 makes them of any text."""
    adata.obs["celltype"] = pd.array(["b", "a", "a", "b"], dtype="string")
    adata.obs["note"] = pd.array(["x", None, "y", "z"], dtype="string")
    adata.obs["kind"] = pd.Categorical(pd.array(["p", "q", "q", "p"], dtype="string"))
    adata.obs.index = adata.obs.index.astype("string")
    adata.var["name"] = pd.array(["CD19", None, "LYZ"], dtype="string")
    adata.var.index = adata.var.index.astype("string")
    with anndata.settings.override(allow_write_nullable_strings=True):
        adata.write_h5ad(tmp_path / "cells.h5ad")
    config = own(tmp_path / "cells.h5ad", symbol="name")
    check_dataset(config)
    for cells in (read_dataset(config), take_cells(adata, own("adata", symbol="name"))):
        cells.write_h5ad(tmp_path / "again.h5ad")
        assert cells.obs_names.tolist() == ["c1", "c2", "c3", "c4"]
        assert cells.obs["cell_type"].tolist() == ["b", "a", "a", "b"]
        assert cells.obs["note"].isna().tolist() == [False, True, False, False]
        assert cells.obs["kind"].tolist() == ["p", "q", "q", "p"]
        assert cells.var["symbol"].tolist() == ["CD19", "E2", "LYZ"]


COLUMNS = {
    "dates": pd.to_datetime(["2026-01-01", None, "2026-01-02", None]),
    "zones": pd.to_datetime(["2026-01-01"] * 4, utc=True),
    "spans": pd.to_timedelta([1, 2, 3, 4], unit="s"),
    "periods": pd.period_range("2026", periods=4, freq="D"),
    "bins": pd.cut([1, 2, 3, 4], 2),
    "mixed": ["a", 1, None, 2.5],
    "mixed categories": pd.Categorical(["1", 1, "x", "x"]),
    "mappings": [{"a": 1}] * 4,
    "days": pd.Categorical(pd.to_datetime(["2026-01-01", "2026-01-02"] * 2)),
    "nullable floats": pd.array([1.5, None, 2.5, None], dtype="Float64"),
    "truths": [True, None, False, None],
    "numbers": [1, None, 2, None],
    "nothing": [None] * 4,
    "rare": pd.arrays.SparseArray([0, 0, 1, 0]),
    7: [1, 2, 3, 4],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_whatever_stands_in_obs_can_be_written(adata, tmp_path, name):
    """Every column of obs is kept, so that none may stop a call at its last write."""
    adata.obs[name] = COLUMNS[name]
    cells = take_cells(adata, own("adata"))
    cells.write_h5ad(tmp_path / "cells.h5ad")
    kept = anndata.read_h5ad(tmp_path / "cells.h5ad").obs[str(name)]
    assert kept.isna().tolist() == pd.Series(COLUMNS[name]).isna().tolist()


def test_bins_keep_their_order_and_numbers_their_values(adata):
    adata.obs["bins"], adata.obs["floats"] = COLUMNS["bins"], COLUMNS["nullable floats"]
    cells = take_cells(adata, own("adata"))
    assert cells.obs["bins"].cat.categories.tolist() == ["(0.997, 2.5]", "(2.5, 4.0]"]
    assert cells.obs["bins"].cat.ordered
    assert cells.obs["floats"].tolist()[::2] == [1.5, 2.5]


def test_categories_of_anndata_0_7_are_read_by_their_names(adata, tmp_path):
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    with h5py.File(path, "a") as file:
        del file["obs/celltype"]
        group = file["obs"].create_group("__categories")
        names = group.create_dataset("celltype", data=["a", "b"], dtype=h5py.string_dtype())
        names.attrs["ordered"] = False
        codes = file["obs"].create_dataset("celltype", data=np.array([1, 0, 0, 1], np.int8))
        codes.attrs["categories"] = names.ref
        file["obs"].attrs["encoding-version"] = "0.1.0"
    check_dataset(own(path), cell_types=["a", "b"])
    with pytest.raises(InputError, match=r"has no 'c'; .*there is: a, b"):
        check_dataset(own(path), cell_types=["c"])


@pytest.mark.parametrize("stored", ["dense file", "dense memory"])
def test_half_precision_counts(adata, tmp_path, stored):
    adata.X = COUNTS.astype(np.float16)
    if stored == "dense file":
        adata.write_h5ad(tmp_path / "cells.h5ad")
        cells = read_dataset(own(tmp_path / "cells.h5ad"))
    else:
        cells = take_cells(adata, own("adata"))
    assert cells.layers["counts"].toarray().tolist() == COUNTS.tolist()


@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_indices_and_indptr_of_two_widths(adata, tmp_path, kind):
    """As files of more than 2**31 values have them, and what is cut out of those."""
    adata.X = adata.X.asformat(kind)
    adata.X.data[0] = 0
    adata.write_h5ad(tmp_path / "cells.h5ad")
    with h5py.File(tmp_path / "cells.h5ad", "r+") as file:
        wide = file["X/indptr"][()].astype(np.int64)
        del file["X/indptr"]
        file["X"]["indptr"] = wide
    counts = COUNTS.copy()
    counts[0, 0] = 0
    held = anndata.read_h5ad(tmp_path / "cells.h5ad")
    assert held.X.indptr.dtype != held.X.indices.dtype
    config = own(tmp_path / "cells.h5ad")
    check_dataset(config)
    for cells in (read_dataset(config), take_cells(held, own("adata"))):
        assert cells.layers["counts"].nnz == 5
        np.testing.assert_array_equal(cells.layers["counts"].toarray(), counts)


@pytest.mark.parametrize("value", [2.0**32 + 5, 3e9, 2.0**31])
@pytest.mark.parametrize("kind", [np.float64, np.int64, np.uint32])
def test_counts_that_do_not_fit_are_refused_before_they_are_cast(adata, value, kind):
    if kind is np.uint32 and value > 2**32:
        pytest.skip("does not fit uint32 either")
    large = COUNTS.astype(kind)
    large[1, 1] = value
    adata.X = sparse.csr_matrix(large)
    message = rf"{value:.10g} in cell 'c2' is more than a count can be"
    with pytest.raises(InputError, match=message):
        take_cells(adata, own("adata"))


def test_the_largest_count_is_one(adata):
    large = COUNTS.astype(np.float64)
    large[1, 1] = 2**31 - 1
    adata.X = sparse.csr_matrix(large)
    assert take_cells(adata, own("adata")).layers["counts"][1, 1] == 2**31 - 1


def test_undone_logarithms_are_named(adata):
    adata.X = sparse.csr_matrix(COUNTS + np.where(COUNTS == 2, 2e-5, 0))
    with pytest.raises(InputError, match=r"2\.00002 in cell 'c2' is nearly.*numpy\.rint"):
        take_cells(adata, own("adata"))
    adata.X = sparse.csr_matrix(COUNTS + np.where(COUNTS == 2, 0.4, 0))
    with pytest.raises(InputError, match=r"2\.4 in cell 'c2' is no integer; there is no other"):
        take_cells(adata, own("adata"))


def test_backed_cells_are_read(adata, tmp_path):
    adata.write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    cells = take_cells(backed, own("adata"))
    assert cells.layers["counts"].toarray().tolist() == COUNTS.tolist()
    assert backed.isbacked
    backed.file.close()


def test_anndata_0_13_lists_x_among_the_layers():
    message = no_expression(OwnCells(path="cells", cell_type="celltype"), [None, "raw"])
    assert "layers hold raw" in message


def test_no_expression_at_all(adata, tmp_path):
    adata.layers["counts"] = adata.X.copy()
    adata.X = None
    adata.write_h5ad(tmp_path / "cells.h5ad")
    with h5py.File(tmp_path / "cells.h5ad", "a") as file:
        if "X" not in file:  # anndata may leave it out, or write what is null
            file.create_dataset("X", data=h5py.Empty("f"))
    with pytest.raises(InputError, match="X is empty, layers hold counts"):
        check_dataset(own(tmp_path / "cells.h5ad", counts_layer="X"))
    check_dataset(own(tmp_path / "cells.h5ad", counts_layer="counts"))
    check_dataset(own(tmp_path / "cells.h5ad"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (gzip.compress, "is compressed by gzip; unpack it"),
        (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (lambda _: b"", "is empty"),
        (lambda whole: whole[: len(whole) // 2], "cut off or damaged"),
        (lambda _: b"<!DOCTYPE html><html></html>", "is a web page"),
        (lambda _: b"barcode,gene\n", "cannot be read as"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(adata, tmp_path, change, message):
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message):
        check_dataset(own(path))


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "cells.zarr").mkdir()
    with pytest.raises(InputError, match="is a folder, but neither a Zarr store"):
        check_dataset(own(tmp_path / "cells.zarr"))


def test_a_file_that_is_being_written_is_named(adata, tmp_path):
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    code = f"import h5py; file = h5py.File({str(path)!r}, 'a'); print(flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as writer:
        writer.stdout.readline()
        try:
            with pytest.raises(InputError, match="is open in another program that writes"):
                check_dataset(own(path))
        finally:
            writer.communicate(b"\n")


def test_a_filter_that_hdf5_lacks_is_named(adata, tmp_path, monkeypatch):
    adata.write_h5ad(tmp_path / "cells.h5ad", compression="gzip")
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    with pytest.raises(InputError, match=r"X/data is compressed by deflate.*hdf5plugin"):
        check_dataset(own(tmp_path / "cells.h5ad"))


def test_what_stands_for_no_symbol_is_no_gene(adata):
    adata.var["name"] = ["-", "nan", " "]
    assert take_cells(adata, own("adata", symbol="name")).var["symbol"].tolist() == [
        "E1", "E2", "E3",
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["", "nan", "<NA>"])
def test_what_stands_for_no_label_is_no_cell_type(adata, label):
    adata.obs["celltype"] = ["b", "a", label, label]
    with pytest.raises(InputError, match=r"cell 'c3' has no celltype \(2 such cells\)"):
        take_cells(adata, own("adata"))


def test_labels_that_say_nothing_are_one(adata):
    adata.obs["celltype"] = ["Unknown", "na", "a", "nab"]
    cells = take_cells(adata, own("adata"))
    assert cells.obs["cell_type"].tolist() == ["unknown", "unknown", "a", "nab"]


def test_numbers_are_no_cell_types(adata):
    adata.obs["score"] = [0.25, 1.5, 2.0, 3.0]
    with pytest.raises(InputError, match=r"obs\['score'\] holds numbers such as 0.25; give a col"):
        take_cells(adata, own("adata", cell_type="score"))
