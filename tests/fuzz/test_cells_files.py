"""Cells in HDF5 and in Cell Ranger's text: what a plain parser finds in them, or one line."""

import gzip
from itertools import count

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset, read_genes, read_labels
from fuzzed import fuzzed, outcome
from mutations import spoilt
from spelling import lines_of
from spoilt_hdf5 import write_spoilt

COUNTS = np.array([[1, 0, 3, 0], [0, 2, 2, 1], [5, 0, 0, 0], [0, 0, 7, 1], [1, 1, 0, 2]])
NAMES = [f"c{place}" for place in range(5)]
IDS = [f"ENSG{place:011d}" for place in range(4)]
SYMBOLS = ["CD19", "CD3D", "LYZ", "RPL3"]
NAMED = {"cell_type": "cell_type", "counts_layer": "counts", "batch": "donor", "symbol": "symbol"}
NUMBER = count()


@pytest.fixture(scope="module")
def whole(folder):
    """Files of cells by form."""
    made = {}
    for form, kind in (("rows", sparse.csr_matrix), ("columns", sparse.csc_matrix)):
        adata = anndata.AnnData(
            np.log1p(COUNTS).astype(np.float32),
            obs=pd.DataFrame(
                {"cell_type": pd.Categorical(list("babba")), "donor": list("pqpqp")}, index=NAMES
            ),
            var=pd.DataFrame({"symbol": SYMBOLS}, index=IDS),
            obsm={"X_pca": np.arange(10.0).reshape(5, 2)},
            layers={"counts": kind(COUNTS.astype(np.float32))},
        )
        made[form] = folder / f"{form}.made"
        adata.write_h5ad(made[form])
    for form in ("tenx 2", "tenx 3"):
        made[form] = folder / f"{form}.made"
        with h5py.File(made[form], "w") as file:
            group = file.create_group("matrix")
            ids, symbols = ("features/id", "features/name")
            if form == "tenx 2":
                ids, symbols = "genes", "gene_names"
            else:
                group["features/feature_type"] = np.array(["Gene Expression"] * 4, "S")
            group[ids], group[symbols] = np.array(IDS, "S"), np.array(SYMBOLS, "S")
            group["barcodes"], group["shape"] = np.array(NAMES, "S"), np.array([4, 5])
            for part in ("data", "indices", "indptr"):
                group[part] = getattr(sparse.csr_matrix(COUNTS), part)
    return made


def texts(part):
    return [each if isinstance(each, str) else each.decode() for each in part[()]]


def plain_matrix(part):
    """Cells x genes of sparse parts, or of an array; summed where a place is given twice."""
    if isinstance(part, h5py.Dataset):
        return part[()].astype(float)
    data, indices, indptr = (part[name][()].tolist() for name in ("data", "indices", "indptr"))
    by_row = part.attrs["encoding-type"] in ("csr_matrix", b"csr_matrix")
    matrix = np.zeros(part.attrs["shape"] if by_row else part.attrs["shape"][::-1])
    for row in range(len(matrix)):
        for place in range(indptr[row], indptr[row + 1]):
            assert indices[place] >= 0
            matrix[row, indices[place]] += data[place]
    return matrix if by_row else matrix.T


def index_of(frame):
    return texts(frame[frame.attrs["_index"]])


def all_of(config, path):
    """What each reader makes of it; they refuse or agree."""
    made = outcome(lambda: read_dataset(config), path)
    labels = outcome(lambda: read_labels(config), path)
    genes = outcome(lambda: read_genes(config), path)
    if made is not None:
        assert labels.index.tolist() == made.obs_names.tolist()
        assert labels["cell_type"].tolist() == made.obs["cell_type"].tolist()
        assert genes.equals(made.var)
    return made


def fresh(folder, name):
    path = folder / f"{next(NUMBER)}{name}"
    for old in folder.glob(f"*{name}"):
        old.unlink()
    return path


@fuzzed(250)
@given(data=st.data(), form=st.sampled_from(["rows", "columns"]), given_names=st.booleans())
def test_spoilt_parts_of_an_h5ad(data, form, given_names, whole, folder):
    path = fresh(folder, "s.h5ad")
    write_spoilt(data.draw, whole[form], path)
    config = OwnCells(path=str(path), **(NAMED if given_names else {}))
    made = all_of(config, path)
    if made is None or not given_names:
        return
    with h5py.File(path) as file:
        counts = file["layers/counts"]
        assert made.layers["counts"].toarray().tolist() == plain_matrix(counts).tolist()
        assert made.obs_names.tolist() == index_of(file["obs"])
        assert made.var_names.tolist() == index_of(file["var"])
        kinds = file["obs/cell_type"]
        if isinstance(kinds, h5py.Group) and kinds["categories"].dtype.kind == "O":
            names = texts(kinds["categories"])
            expected = [names[code] for code in kinds["codes"][()]]
            assert made.obs["cell_type"].tolist() == expected
        symbols = file["var/symbol"]
        if isinstance(symbols, h5py.Dataset) and symbols.dtype.kind == "O":
            expected = [
                s if s.strip() not in ("", "nan") else n
                for s, n in zip(texts(symbols), made.var_names, strict=True)
            ]
            assert made.var["symbol"].tolist() == expected


@fuzzed(150)
@given(data=st.data(), form=st.sampled_from(["tenx 2", "tenx 3"]))
def test_spoilt_parts_of_what_cell_ranger_writes(data, form, whole, folder):
    path = fresh(folder, "s.h5")
    write_spoilt(data.draw, whole[form], path)
    made = all_of(OwnCells(path=str(path)), path)
    if made is None:
        return
    with h5py.File(path) as file:
        [group] = [each for each in file.values() if "barcodes" in each and "indptr" in each]
        ids, counts = texts(group["features/id"] if "features" in group else group["genes"]), {}
        data, indices, indptr = (group[each][()].tolist() for each in ("data", "indices", "indptr"))
        for row, cell in enumerate(texts(group["barcodes"])):
            for place in range(indptr[row], indptr[row + 1]):
                key = cell, ids[indices[place]]
                counts[key] = counts.get(key, 0) + data[place]
        check_counts(made, counts)


def check_counts(made, counts):
    """Each value that was kept is the one of that cell and gene, and all others are zero."""
    for row, cell in zip(made.layers["counts"].toarray(), made.obs_names, strict=True):
        for value, gene in zip(row, made.var_names, strict=True):
            assert value == counts.get((cell, gene), 0)


MTX = (
    b"%%MatrixMarket matrix coordinate integer general\n%\n4 5 11\n1 1 1\n3 1 3\n2 2 2\n3 2 2\n"
    b"4 2 1\n1 3 5\n3 4 7\n4 4 1\n1 5 1\n2 5 1\n4 5 2\n"
)
REAL = MTX.replace(b"integer", b"real").replace(b" 7\n", b" 7.0\n").replace(b" 5\n1", b" 5e0\n1")
BARCODES = "".join(f"{name}\n" for name in NAMES).encode()
FEATURES = "".join(
    f"{i}\t{s}\tGene Expression\n" for i, s in zip(IDS, SYMBOLS, strict=True)
).encode()
TEXTS = {"matrix.mtx": MTX, "barcodes.tsv": BARCODES, "features.tsv": FEATURES}
MARKS = [
    b"%%MatrixMarket",
    b"symmetric",
    b"pattern",
    b"complex",
    b"array",
    b"1 1 1\n",
    b"5 6 1\n",
    b"%\n",
]


@fuzzed(200)
@given(
    data=st.data(),
    name=st.sampled_from(sorted(TEXTS) * 2 + ["matrix.mtx"] * 3),
    real=st.booleans(),
    packed=st.booleans(),
)
def test_a_spoilt_folder_of_cell_ranger(data, name, real, packed, folder):
    held = TEXTS | {"matrix.mtx": REAL if real else MTX}
    held[name] = data.draw(spoilt(held[name], pieces=MARKS))
    place = folder / "tenx"
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    for each, content in held.items():
        whole = gzip.compress(content, mtime=0) if packed else content
        (place / (each + ".gz" * packed)).write_bytes(whole)
    made = all_of(OwnCells(path=str(place)), place)
    if made is None:
        return
    lines = {each: [line for line in lines_of(text) if line] for each, text in held.items()}
    cells = [line.split("\t")[0] for line in lines["barcodes.tsv"]]
    genes = [line.split("\t") for line in lines["features.tsv"]]
    assert made.obs_names.tolist() == cells
    kinds = {gene[2] for gene in genes if len(gene) > 2}
    if len(kinds) < 2:
        assert made.var_names.tolist() == [gene[0] for gene in genes]
    counts = {}
    values = [line.split() for line in lines["matrix.mtx"] if not line.startswith("%")]
    assert values[0] == [str(len(genes)), str(len(cells)), str(len(values) - 1)]
    for gene, cell, *value in values[1:]:
        key = cells[int(cell) - 1], genes[int(gene) - 1][0]
        counts[key] = counts.get(key, 0) + float(value[0])
    check_counts(made, counts)
