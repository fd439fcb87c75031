"""Cells in: exact counts, one form for all sources, and errors that name file, key and cell."""

import subprocess
import sys
import time
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scanpy
from scipy import sparse

from featurelens.datasets import assemble, checks
from featurelens.datasets.checks import check_dataset
from featurelens.datasets.config import OwnCells, Pbmc68kReduced
from featurelens.datasets.readers import read_dataset
from featurelens.datasets.shipped import recover_counts
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.registry import check_model
from featurelens.io import InputError

FACS = Path(__file__).parents[3] / "shared" / "data" / "cells" / "pbmc_facs.h5ad"

COUNTS = np.array([[1, 0, 3], [0, 2, 2], [5, 0, 0], [0, 0, 7]])


def own(path: Path, **changes) -> OwnCells:
    return OwnCells(**{"path": str(path), "cell_type": "celltype"} | changes)


@pytest.fixture
def adata() -> anndata.AnnData:
    return anndata.AnnData(
        X=sparse.csr_matrix(COUNTS.astype(np.float32)),
        obs=pd.DataFrame(
            {"celltype": ["b", "a", "a", "b"], "donor": [1, 1, 2, 2], "total": [10, 20, 50, 70]},
            index=["c1", "c2", "c3", "c4"],
        ),
        var=pd.DataFrame({"name": ["CD19", None, "LYZ"]}, index=["E1", "E2", "E3"]),
        obsm={"X_model": np.arange(8.0).reshape(4, 2)},
    )


@pytest.fixture
def written(adata, tmp_path):
    def write(**_) -> Path:
        path = tmp_path / "cells.h5ad"
        adata.write_h5ad(path)
        return path

    return write


# --- pbmc68k_reduced ---------------------------------------------------------------------------


def test_recover_counts_by_hand():
    # 3 counts of 2,000 are 15 per 10,000; ln 16 = 2.772589, stored as 2.773.
    logs = sparse.csr_matrix(np.array([[2.773, 0.0]]))
    assert recover_counts(logs, np.array([2000.0])).toarray().tolist() == [[3, 0]]


def test_recover_counts_refuses_half_a_count():
    # 2.5 counts of 2,000 are 12.5 per 10,000; ln 13.5 = 2.602690.
    logs = sparse.csr_matrix(np.array([[0.0, 2.603]]))
    with pytest.raises(
        InputError, match=r"row 0, column 1: .* 2\.50\d counts, which is no integer"
    ):
        recover_counts(logs, np.array([2000.0]))


def test_recover_counts_leaves_its_input_as_it_is():
    unsorted = sparse.csr_matrix((np.array([2.773, 1.792]), [1, 0], [0, 2]), shape=(1, 2))
    # 1 count of 2,000 is 5 per 10,000, ln 6 = 1.791759.
    assert recover_counts(unsorted, np.array([2000.0])).toarray().tolist() == [[1, 3]]
    assert unsorted.indices.tolist() == [1, 0]
    assert unsorted.data.tolist() == [2.773, 1.792]


@pytest.fixture(scope="module")
def pbmc() -> anndata.AnnData:
    return read_dataset(Pbmc68kReduced())


def test_pbmc68k_counts_give_the_stored_logarithms_back(pbmc):
    raw = scanpy.datasets.pbmc68k_reduced().raw.X.toarray().astype(float)
    counts = pbmc.layers["counts"].toarray()
    back = np.round(np.log1p(counts / pbmc.obs["library"].to_numpy()[:, None] * 1e4), 3)
    # Rounding to three decimals: 99.999 % identical, none off by more than the last digit.
    assert np.isclose(back, raw, atol=1e-5).mean() > 0.99999
    assert np.abs(back - raw).max() < 0.0011
    assert np.array_equal(counts > 0, raw > 0)


def test_pbmc68k_library_runs_over_all_genes(pbmc):
    kept = pbmc.layers["counts"].sum(axis=1).A1
    assert (kept.min(), kept.max()) == (342, 1654)
    share = kept / pbmc.obs["library"]
    assert (round(share.min(), 2), round(share.max(), 2)) == (0.11, 0.28)
    expected = np.log1p(1e4 * kept[0] / pbmc.obs["library"].iloc[0])
    total = np.expm1(pbmc.X[0].toarray()).sum()
    assert np.isclose(np.log1p(total), expected, rtol=1e-5)


def test_pbmc68k_form(pbmc):
    assert pbmc.shape == (700, 765)
    assert pbmc.X.dtype == np.float32
    assert pbmc.layers["counts"].dtype == np.int32
    assert pbmc.obs["cell_type"].value_counts()["CD14+ Monocyte"] == 129
    assert len(pbmc.obs["cell_type"].cat.categories) == 10
    assert set(pbmc.obs["batch"]) == {"all"}
    assert set(pbmc.obs["split"]) == {"train"}
    assert {"CD79A", "LYZ", "NKG7"} <= set(pbmc.var["symbol"])


# --- a user's file -----------------------------------------------------------------------------


def test_own_cells_are_normalised_like_scanpy(adata, written):
    cells = read_dataset(own(written()))
    reference = adata.copy()
    scanpy.pp.normalize_total(reference, target_sum=1e4)
    scanpy.pp.log1p(reference)
    np.testing.assert_allclose(cells.X.toarray(), reference.X.toarray(), rtol=1e-6)
    assert cells.layers["counts"].toarray().tolist() == COUNTS.tolist()
    assert cells.obs["library"].tolist() == [4, 4, 5, 7]
    assert cells.obs["cell_type"].tolist() == ["b", "a", "a", "b"]
    assert cells.obs["batch"].unique().tolist() == ["all"]
    assert cells.var["symbol"].tolist() == ["E1", "E2", "E3"]
    assert np.array_equal(cells.obsm["X_model"], adata.obsm["X_model"])


def test_own_library_batch_and_symbols(written):
    cells = read_dataset(own(written(), library="total", batch="donor", symbol="name"))
    # Cell c2 has 2 counts of gene E2 among 20: log1p(1000).
    assert np.isclose(cells["c2", "E2"].X.toarray().item(), np.log1p(1000))
    assert cells.obs["batch"].tolist() == ["1", "1", "2", "2"]
    assert cells.var["symbol"].tolist() == ["CD19", "E2", "LYZ"]


def test_other_columns_of_the_cells_are_kept(adata, written):
    adata.obs["batch"] = "mine"
    cells = read_dataset(own(written()))
    assert cells.obs["donor"].tolist() == [1, 1, 2, 2]
    # A name of ours is ours, unless the config points at it.
    assert set(cells.obs["batch"]) == {"all"}
    assert set(cells.obs["split"]) == {"train"}
    adata.obs["split"] = ["train", "test", "train", "test"]
    assert read_dataset(own(written())).obs["split"].tolist() == adata.obs["split"].tolist()


@pytest.mark.parametrize("convert", [np.asarray, sparse.csc_matrix, sparse.csr_matrix])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64])
def test_counts_may_be_stored_in_any_way(adata, written, convert, dtype):
    adata.layers["raw"] = convert(COUNTS.astype(dtype))
    adata.X = None
    cells = read_dataset(own(written(), counts_layer="raw"))
    assert cells.layers["counts"].toarray().tolist() == COUNTS.tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"cell_type": "cell_type"},
            r"obs has no 'cell_type'; did you mean 'celltype'\? there is: ",
        ),
        ({"batch": "lane"}, r"obs has no 'lane'; there is: celltype, donor, total$"),
        ({"library": "totals"}, r"obs has no 'totals'; did you mean 'total'"),
        ({"symbol": "symbol"}, r"var has no 'symbol'; there is: name$"),
        ({"counts_layer": "counts"}, r"no 'counts'; there is: nothing; .*leave counts_layer out$"),
    ],
)
def test_missing_keys_are_named_with_what_there_is(written, changes, message):
    path = written()
    with pytest.raises(InputError, match=message) as caught:
        check_dataset(own(path, **changes))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csc_matrix, sparse.csr_matrix])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-2, r"X must hold raw counts, but -2 in cell 'c2' is negative"),
        (1.5, r"X must hold raw counts, but 1.5 in cell 'c2' is no integer; there is no other"),
        (np.nan, r"X must hold raw counts, but nan in cell 'c2' is not finite"),
    ],
)
def test_what_is_no_count_is_shown_with_its_cell(adata, written, convert, value, message):
    counts = COUNTS.astype(np.float32)
    counts[1, 2] = value
    adata.X = convert(counts)
    with pytest.raises(InputError, match=message):
        check_dataset(own(written()))


def test_counts_beyond_the_quick_look_are_judged_on_reading(adata, written, monkeypatch):
    counts = COUNTS.astype(np.float32)
    counts[3, 2] = 0.5
    adata.X = sparse.csr_matrix(counts)
    monkeypatch.setattr("featurelens.datasets.stored.SAMPLED_COUNTS", 3)
    config = own(written())
    check_dataset(config)
    with pytest.raises(InputError, match=r"0\.5 in cell 'c4' is no integer"):
        read_dataset(config)


def test_of_all_faults_the_worst_is_told_wherever_it_stands(adata, written, monkeypatch):
    """Values are judged two at a time: 0.5 comes first, what is not finite last."""
    monkeypatch.setattr(checks, "VALUES_AT_ONCE", 2)
    counts = COUNTS.astype(np.float32)
    counts[0, 1], counts[3, 2] = 0.5, np.inf
    adata.X = sparse.csr_matrix(counts)
    monkeypatch.setattr("featurelens.datasets.stored.SAMPLED_COUNTS", 1)
    with pytest.raises(InputError, match="inf in cell 'c4' is not finite"):
        read_dataset(own(written()))


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_logarithms_of_some_cells_at_a_time(adata, monkeypatch, at_once):
    monkeypatch.setattr(assemble, "CELLS_AT_ONCE", at_once)
    counts = sparse.csr_matrix(COUNTS)
    made = assemble.logarithms(counts, np.array([4, 4, 5, 7.0]))
    expected = np.log1p(COUNTS / np.array([[4], [4], [5], [7]]) * 1e4)
    np.testing.assert_allclose(made.toarray(), expected, rtol=1e-6)


def test_repeated_cell_names(adata, written):
    adata.obs_names = ["c1", "c2", "c2", "c4"]
    with pytest.raises(InputError, match=r"cells\.h5ad: cell name 'c2' occurs more than once"):
        check_dataset(own(written()))


def test_repeated_gene_names(adata, written):
    adata.var_names = ["LYZ", "CD19", "LYZ"]
    with pytest.raises(InputError, match=r"gene name 'LYZ' .* adata\.var_names_make_unique\(\)"):
        check_dataset(own(written()))


def test_cell_types_that_a_run_names_must_exist(adata, written):
    check_dataset(own(written()), cell_types=("a", "b"))
    adata.obs["celltype"] = adata.obs["celltype"].map({"a": "HSC", "b": "NK"}).astype("category")
    message = r"obs\['celltype'\] has no 'HSCs'; did you mean 'HSC'\? there is: HSC, NK$"
    with pytest.raises(InputError, match=message):
        check_dataset(own(written()), cell_types=("NK", "HSCs"))


def test_cells_without_label_counts_or_library(adata, written):
    adata.obs["celltype"] = pd.Categorical(["b", None, "a", None])
    adata.obs["total"] = [1.0, 2.0, 3.0, 0.0]
    path = written()
    with pytest.raises(InputError, match=r"cell 'c2' has no celltype \(2 such cells\)"):
        read_dataset(own(path))
    with pytest.raises(InputError, match=r"cell 'c4' has no positive library \(1 such cells\)"):
        read_dataset(own(path, cell_type="donor", library="total"))
    counts = COUNTS.copy()
    counts[1] = 0
    adata.X = sparse.csr_matrix(counts)
    with pytest.raises(InputError, match="cell 'c2' has no counts"):
        read_dataset(own(written(), cell_type="donor"))


def test_missing_and_broken_files(written, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.h5ad: no such file; check the path"):
        check_dataset(own(tmp_path / "nowhere.h5ad"))
    path = written()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cells\.h5ad: cannot be read as \.h5ad .*is it complete"):
        check_dataset(own(path))


# --- embeddings in a user's file ---------------------------------------------------------------


def test_embedding_check_reads_names_and_one_matrix_only(adata, written):
    path = written()
    with h5py.File(path, "r+") as handle:
        del handle["X"]
    check_model(own(path), PrecomputedModel(key="X_model"))


@pytest.mark.parametrize(
    ("embedding", "message"),
    [
        ([[0, 1], [np.nan, 2], [np.inf, 1], [0, 0]], r"cell 'c2' has NaN .*\(2 such cells\)"),
        ([[["x"]]] * 4, r"obsm\['X_model'\] must be a matrix of numbers"),
        (np.zeros((4, 0)), r"must be a matrix of numbers.* shape \(4, 0\)"),
    ],
)
def test_bad_embeddings(adata, written, embedding, message):
    adata.obsm["X_model"] = np.array(embedding)
    with pytest.raises(InputError, match=message):
        check_model(own(written()), PrecomputedModel(key="X_model"))


def test_missing_embedding(written):
    message = r"obsm has no 'X_modell'; did you mean 'X_model'\?.* given by its path, .* kind pca"
    with pytest.raises(InputError, match=message):
        check_model(own(written()), PrecomputedModel(key="X_modell"))


def test_check_model_looks_where_the_model_will(written):
    config = own(written())
    check_model(config, PCAModel())
    check_model(config, PrecomputedModel(key="X_model"))
    with pytest.raises(InputError, match="obsm has no 'X_scgpt'"):
        check_model(config, PrecomputedModel(key="X_scgpt"))
    with pytest.raises(InputError, match="varm has no 'F'"):
        check_model(config, PrecomputedModel(key="X_model", factors="F"))
    with pytest.raises(InputError, match="pbmc68k_reduced brings no embedding"):
        check_model(Pbmc68kReduced(), PrecomputedModel(key="X_model"))


# --- real cells, and the price of planning -----------------------------------------------------


@pytest.mark.skipif(not FACS.exists(), reason=f"{FACS.name} is not beside the repository")
def test_real_file_is_checked_in_no_time_and_read():
    config = OwnCells(path=str(FACS), cell_type="celltype", symbol="symbol")
    start = time.process_time()
    check_dataset(config)
    check_model(own(FACS), PrecomputedModel(key="X_poisson_nmf"))
    assert time.process_time() - start < 0.5
    cells = read_dataset(config)
    assert cells.shape == (3774, 16791)
    assert np.allclose(np.expm1(cells.X).sum(axis=1), 1e4, rtol=1e-4)


def test_configs_cost_no_heavy_import():
    code = (
        "import sys, featurelens.embeddings.registry, featurelens.features.describe, "
        "featurelens.steering.stage; "
        "heavy = {'torch', 'scanpy', 'sklearn', 'numba'} & set(sys.modules); sys.exit(bool(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_the_cells_asked_for_are_kept(adata, written, tmp_path):
    path = written()
    cells = read_dataset(own(path, only={"donor": "2"}))
    assert cells.obs_names.tolist() == ["c3", "c4"]
    np.testing.assert_array_equal(cells.layers["counts"].toarray(), COUNTS[2:])
    np.testing.assert_array_equal(cells.obsm["X_model"], adata.obsm["X_model"][2:])
    both = read_dataset(own(path, only={"donor": "2", "celltype": "a"}))
    assert both.obs_names.tolist() == ["c3"]
    # An embedding in a file of its own is one of these cells.
    table = pd.DataFrame({"z": [1.0, 2.0]}, index=["c4", "c3"])
    table.to_csv(tmp_path / "z.csv")
    check_model(own(path, only={"donor": "2"}), PrecomputedModel(path=str(tmp_path / "z.csv")))
    with pytest.raises(InputError, match="has no cell 'c1'"):
        check_model(own(path), PrecomputedModel(path=str(tmp_path / "z.csv")))


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ({"donar": "2"}, r"obs has no 'donar'; did you mean 'donor'\?"),
        ({"donor": "3"}, r"obs\['donor'\] has no '3'; there is: 1, 2"),
        ({"donor": "1", "total": "70"}, "no cell has all of"),
    ],
)
def test_cells_that_are_nowhere(written, only, message):
    with pytest.raises(InputError, match=message):
        check_dataset(own(written(), only=only))
