"""What mutated files of cells brought to light, each case by itself with what is right."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset, read_labels, take_cells
from featurelens.datasets.stored import require_sound
from featurelens.io import InputError

COUNTS = np.array([[1, 0, 3], [0, 2, 2]])


@pytest.fixture
def path(tmp_path):
    adata = anndata.AnnData(
        sparse.csr_matrix(COUNTS.astype(np.float32)),
        obs=pd.DataFrame({"cell_type": ["a", "b"]}, index=["c0", "c1"]),
        var=pd.DataFrame(index=["CD3D", "CD19", "LYZ"]),
    )
    adata.write_h5ad(tmp_path / "my.h5ad")
    return tmp_path / "my.h5ad"


def put(file, name, value):
    """A new array with the attributes of the old one."""
    kept = dict(file[name].attrs)
    del file[name]
    file[name] = value
    file[name].attrs.update(kept)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file["obs"].attrs.pop("_index"),
        lambda file: file["obs"].attrs.pop("column-order"),
        lambda file: file["obs"].move("cell_type", "other"),
        lambda file: file["X"].attrs.pop("shape"),
        lambda file: file["X"].attrs.update({"encoding-version": "9.9.9"}),
        lambda file: file["X"].pop("indptr"),
        lambda file: put(file, "X/data", np.ones((2, 2))),
        lambda file: put(file, "var/_index", np.float64(1)),
        lambda file: put(file, "var/_index", file["var/_index"][...][:, None]),
        lambda file: put(file, "obs/_index", file["obs/_index"][...][:, None]),
        lambda file: put(file, "obs/cell_type", ["a"]),
        lambda file: put(file, "obs/cell_type", ["a", "b", "c"]),
        lambda file: file.update({"obsm/short": np.ones((1, 2))}),
        lambda file: file.update({"varm/short": np.ones((2, 2))}),
        lambda file: file["obsm"].create_group("nothing"),
        lambda file: file.update({"obsm/itself": h5py.SoftLink("/obsm")}),
        lambda file: file.update({"obsm/lost": h5py.SoftLink("/nowhere")}),
    ],
)
def test_parts_that_do_not_fit(path, change):
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(InputError, match=r"my\.h5ad: ") as found:
        read_dataset(OwnCells(path=str(path)))
    assert "\n" not in str(found.value)


def test_the_part_that_cannot_be_read_is_named(path):
    with h5py.File(path, "a") as file:
        file["obs/cell_type"].attrs["encoding-version"] = "9.9.9"
    said = r"my\.h5ad: cannot be read as \.h5ad \(obs/cell_type: No read method"
    with pytest.raises(InputError, match=said):
        read_labels(OwnCells(path=str(path)))


def test_codes_of_two_dimensions(path):
    held = anndata.read_h5ad(path)
    held.obs["cell_type"] = held.obs["cell_type"].astype("category")
    held.write_h5ad(path)
    with h5py.File(path, "a") as file:
        put(file, "obs/cell_type/codes", np.array([[0], [1]], np.int8))
    with pytest.raises(InputError, match=r"my\.h5ad: column 'cell_type' is neither text nor"):
        read_labels(OwnCells(path=str(path)))


def test_labels_of_fewer_cells(path):
    """They were put beside the first ones."""
    with h5py.File(path, "a") as file:
        put(file, "obs/cell_type", ["a"])
    with pytest.raises(InputError, match=r"obs\['cell_type'\] has 1 values for 2 cells"):
        read_labels(OwnCells(path=str(path)))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("matrix.mtx", "{head}1 2 2\n", "holds 0 values of the 2"),
        ("matrix.mtx", "{head}1 2 2\n1 1\n1 2\n", "has 2 numbers a line, not gene, cell and count"),
        ("barcodes.tsv", "\nAAAG\n", "line 1 has no name"),
        ("barcodes.tsv", "AAAC\nAA\0G\n", "line 2 has no name, or what is no text"),
    ],
)
def test_a_folder_of_cell_ranger_that_is_damaged(tmp_path, name, text, said):
    head = "%%MatrixMarket matrix coordinate integer general\n"
    (tmp_path / "matrix.mtx").write_text(f"{head}1 2 2\n1 1 4\n1 2 5\n")
    (tmp_path / "barcodes.tsv").write_text("AAAC\nAAAG\n")
    (tmp_path / "genes.tsv").write_text("ENSG00000000001\tCD3D\n")
    (tmp_path / name).write_text(text.format(head=head))
    with pytest.raises(InputError, match=f"{name}: {said}"):
        read_dataset(OwnCells(path=str(tmp_path)))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize(("part", "value"), [("indices", 9), ("indices", -1), ("indptr", 5)])
def test_values_of_a_sparse_matrix_without_a_place(kind, part, value):
    """What computes with one trusts its parts and ends the process, so none is read."""
    matrix = kind(COUNTS)
    require_sound(matrix, "my.h5ad: X")
    getattr(matrix, part)[1] = value
    with pytest.raises(InputError, match=r"my\.h5ad: X: its parts do not fit together"):
        require_sound(matrix, "my.h5ad: X")


def test_a_count_in_two_parts_is_their_sum(path):
    """Its logarithm was that of each part."""
    held = anndata.read_h5ad(path)
    twice = (np.array([1.0, 1, 2, 2, 2]), np.array([0, 2, 2, 1, 2]), np.array([0, 3, 5]))
    held.X = sparse.csr_matrix(twice, shape=(2, 3))
    made = take_cells(held, OwnCells(path="held"))
    assert made.layers["counts"].toarray().tolist() == COUNTS.tolist()
    np.testing.assert_allclose(made.X.toarray()[0], np.log1p([2500, 0, 7500]), rtol=1e-6)


def test_marks_within_names_end_no_line(tmp_path):
    """A form feed behind a barcode was lost, and one within a gene's name parted it in two."""
    head = "%%MatrixMarket matrix coordinate integer general\n"
    (tmp_path / "matrix.mtx").write_text(f"{head}1 2 2\n1 1 4\n1 2 5\n")
    (tmp_path / "barcodes.tsv").write_text("\ufeffAAAC\x0c\r\nAA\u2028AG\n")
    (tmp_path / "genes.tsv").write_text("ENSG00000000001\tCD\x853D")
    made = read_dataset(OwnCells(path=str(tmp_path)))
    assert made.obs_names.tolist() == ["AAAC\x0c", "AA\u2028AG"]
    assert made.var["symbol"].tolist() == ["CD\x853D"]
