"""Embeddings from files of their own, joined by cell name, and decoders fitted afterwards."""

import gzip
import json
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from featurelens.datasets.config import OwnCells, Pbmc68kReduced
from featurelens.datasets.readers import read_dataset
from featurelens.embeddings.bundle import read_bundle, write_bundle
from featurelens.embeddings.decoders.config import RidgeSurrogate
from featurelens.embeddings.decoders.kinds.surrogate import SurrogateDecoder
from featurelens.embeddings.decoders.surrogate import explained, fit_surrogate, ridge
from featurelens.embeddings.diagnostics import diagnose
from featurelens.embeddings.embed import embed, read_cells
from featurelens.embeddings.expression import expression
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.registry import check_model
from featurelens.io import InputError, write_anndata

NAMES = ["c1", "c2", "c3", "c4"]
VALUES = np.arange(8, dtype=np.float32).reshape(4, 2)
# The file has the cells in another order: c3, c1, c4, c2.
ORDER = [2, 0, 3, 1]


@pytest.fixture
def cells() -> anndata.AnnData:
    counts = np.array([[1, 3], [2, 2], [5, 0], [1, 1]])
    return anndata.AnnData(
        X=sparse.csr_matrix(np.log1p(counts).astype(np.float32)),
        obs=pd.DataFrame({"cell_type": pd.Categorical(list("aabb"))}, index=NAMES),
        layers={"counts": sparse.csr_matrix(counts.astype(np.int32))},
    )


def write(folder, kind, *, order=ORDER, values=VALUES) -> PrecomputedModel:
    names, values = [NAMES[i] for i in order], values[order]
    path = folder / f"embedding{kind}"
    listed = None
    if kind in (".csv", ".tsv"):
        table = pd.DataFrame(values, index=pd.Index(names, name="cell"), columns=["z1", "z2"])
        table.to_csv(path, sep="," if kind == ".csv" else "\t")
    elif kind == ".h5ad":
        anndata.AnnData(obs=pd.DataFrame(index=names), obsm={"X_z": values}).write_h5ad(path)
    else:
        listed = str(folder / "names.txt")
        (folder / "names.txt").write_text("\n".join(names) + "\n")
        if kind == ".npy":
            np.save(path, values)
        else:
            torch.save(torch.from_numpy(values), path)
    return PrecomputedModel(path=str(path), names=listed, key="X_z" if kind == ".h5ad" else None)


KINDS = [".h5ad", ".npy", ".csv", ".tsv", ".pt"]


@pytest.mark.parametrize("kind", KINDS)
def test_cells_are_joined_by_name(cells, kind, tmp_path):
    bundle = embed(cells, write(tmp_path, kind))
    assert bundle.embedding.tolist() == VALUES.tolist()
    assert bundle.decoder.type == "none"
    assert len(bundle.info["fit"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("given", "surrogate"),
    [(VALUES, None), ([[0, 1], [np.nan] * 2, [4, 5], [6, 8]], None), (VALUES, RidgeSurrogate())],
    ids=["all cells", "a cell without", "surrogate"],
)
def test_counts_that_stay_in_their_file_come_out_alike(cells, given, surrogate, tmp_path):
    cells.obsm["X_z"] = np.array(given, dtype=np.float32)
    write_anndata(cells, tmp_path / "cells.h5ad")
    model = PrecomputedModel(key="X_z", surrogate=surrogate)
    left = read_cells(tmp_path / "cells.h5ad", model)
    assert not isinstance(left.X, sparse.csr_matrix)
    write_bundle(embed(left, model, copy=False), tmp_path / "left")
    write_bundle(embed(cells, model), tmp_path / "held")
    for name in ("bundle.json", "decoder.safetensors"):
        assert (tmp_path / "left" / name).read_bytes() == (tmp_path / "held" / name).read_bytes()
    one, other = (anndata.read_h5ad(tmp_path / way / "cells.h5ad") for way in ("left", "held"))
    assert one.X.toarray().tolist() == other.X.toarray().tolist()
    assert one.layers["counts"].toarray().tolist() == other.layers["counts"].toarray().tolist()
    pd.testing.assert_frame_equal(one.obs, other.obs)
    assert one.obsm["X_emb"].tolist() == other.obsm["X_emb"].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_cell_that_one_side_lacks_is_named(cells, kind, tmp_path):
    model = write(tmp_path, kind, order=[2, 0, 3])
    message = rf"embedding\{kind}: has no cell 'c2', which the cells has \(1 such cells\)"
    with pytest.raises(InputError, match=message):
        embed(cells, model)
    model = write(tmp_path, kind)
    with pytest.raises(InputError, match=r"the cells: has no cell 'c3', which .* \(2 such cells\)"):
        embed(cells[:2], model)


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
@pytest.mark.parametrize("kind", KINDS)
def test_repeated_names_and_values_that_are_no_numbers(cells, kind, tmp_path):
    model = write(tmp_path, kind, order=[0, 1, 1, 2])
    with pytest.raises(InputError, match="cell name 'c2' occurs more than once"):
        embed(cells, model)
    broken = VALUES.copy()
    broken[3, 1] = np.nan
    with pytest.raises(InputError, match=rf"embedding\{kind}.*: cell 'c4' has NaN"):
        embed(cells, write(tmp_path, kind, values=broken))


@pytest.mark.parametrize("kind", KINDS)
def test_missing_and_truncated_files(cells, kind, tmp_path):
    model = write(tmp_path, kind)
    path = tmp_path / f"embedding{kind}"
    if kind not in (".csv", ".tsv"):
        path.write_bytes(path.read_bytes()[:90])
        with pytest.raises(InputError, match=rf"embedding\{kind}: (cannot be read|is no whole)"):
            embed(cells, model)
    path.unlink()
    with pytest.raises(InputError, match=rf"embedding\{kind}: no such file; check path"):
        embed(cells, model)


@pytest.mark.parametrize("head", ["cell", "", '""'])  # empty: as to_csv writes it
def test_names_that_look_like_numbers_stay_text(cells, tmp_path, head):
    (tmp_path / "a.csv").write_text(f"{head},z1\n007,1\n08,2\n1e3,3\n4,4\n")
    cells.obs_names = ["4", "1e3", "08", "007"]
    bundle = embed(cells, PrecomputedModel(path=str(tmp_path / "a.csv")))
    assert bundle.embedding.ravel().tolist() == [4, 3, 2, 1]


def test_text_among_the_numbers(cells, tmp_path):
    (tmp_path / "a.csv").write_text("cell,type,z1\nc1,T,1\nc2,B,2\n")
    with pytest.raises(InputError, match=r"a\.csv: column 'type' holds text; the first column"):
        embed(cells, PrecomputedModel(path=str(tmp_path / "a.csv")))
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(InputError, match=r"a\.csv: is empty"):
        embed(cells, PrecomputedModel(path=str(tmp_path / "a.csv")))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "cell;z1;z2\nc1;0;1\nc2;2;3\nc3;4;5\nc4;6;7\n"),
        ("a.csv", "cell;z1;z2\nc1;0,0;1,0\nc2;2,0;3,0\nc3;4,0;5,0\nc4;6,0;7,0\n"),  # Excel
        ("a.csv", "cell\tz1\tz2\nc1\t0\t1\nc2\t2\t3\nc3\t4\t5\nc4\t6\t7\n"),
        ("a.tsv", "cell,z1,z2\nc1,0,1\nc2,2,3\nc3,4,5\nc4,6,7\n"),
        ("a.csv", "\ufeffcell,z1,z2\nc1,0,1\nc2,2,3\nc3,4,5\nc4,6,7\n"),  # a mark first
        ("a.csv", ",cell,z1,z2\n0,c1,0,1\n1,c2,2,3\n2,c3,4,5\n3,c4,6,7\n"),  # rows counted
        ("a.tsv", '"z1"\t"z2"\n"c1"\t0\t1\n"c2"\t2\t3\n"c3"\t4\t5\n"c4"\t6\t7\n'),  # R, no corner
        ("a.csv", '"","z1","z2"\n"c1",0,1\n"c2",2,3\n"c3",4,5\n"c4",6,7\n'),  # R
        ("a.csv", '"","cell","z1","z2"\n"1","c1",0,1\n"2","c2",2,3\n"3","c3",4,5\n"4","c4",6,7'),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_tables_of_any_hand(cells, tmp_path, name, text, compressed):
    path = tmp_path / (name + ".gz" * compressed)
    path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    assert embed(cells, PrecomputedModel(path=str(path))).embedding.tolist() == VALUES.tolist()


@pytest.mark.parametrize("indexed", [True, False])
def test_parquet_with_names_as_index_or_first_column(cells, tmp_path, indexed):
    table = pd.DataFrame(VALUES, columns=["a", "b"], index=pd.Index(NAMES, name="cell"))
    path = tmp_path / "a.parquet"
    (table if indexed else table.reset_index()).to_parquet(path)
    assert embed(cells, PrecomputedModel(path=str(path))).embedding.tolist() == VALUES.tolist()
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read as \.parquet"):
        embed(cells, PrecomputedModel(path=str(path)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",z1,z2\n0,0,1\n1,2,3\n2,4,5\n3,6,7\n", "rows are called 0, 1, .*obs_names as its index"),
        ("z1,z2\n0.5,1\n2.5,3\n4.5,5\n6.5,7\n", r"rows are called 0\.5, 2\.5, .* without cell"),
        ("cell,z1,z2\nC1,0,1\nC2,2,3\nC3,4,5\nC4,6,7\n", "its names are like 'C1'"),
        ("cell z1\nc1 0\nc2 1\nc3 4\nc4 5\n", "has a single column, 'cell z1'"),
    ],
)
def test_tables_that_name_no_cells(cells, tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        embed(cells, PrecomputedModel(path=str(tmp_path / "a.csv")))


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffc1\nc2\nc3\nc4\n",
        '"c1"\n"c2"\n"c3"\n"c4"\n',
        '"x"\n"c1"\n"c2"\n"c3"\n"c4"\n',
        "barcode\r\nc1\r\nc2\r\nc3\r\nc4\r\n",
        "\nc1\nc2\nc3\nc4\n\n",
    ],
    ids=["mark", "quotes", "R", "header", "empty header"],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_names_of_any_hand(cells, tmp_path, text, compressed):
    np.save(tmp_path / "a.npy", VALUES)
    names = tmp_path / "names"
    names.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
    model = PrecomputedModel(path=str(tmp_path / "a.npy"), names=str(names))
    assert embed(cells, model).embedding.tolist() == VALUES.tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # One line too many that is no header: which one is it?
        ("c0\nc1\nc2\nc3\nc4\n", "has 4 rows, but .*names names 5 cells"),
        ('"1","c1"\n"2","c2"\n', "several columns; give one cell name each"),
        ("c1\tT\nc2\tB\n", "several columns"),
    ],
)
def test_names_that_may_not_be_those_of_the_rows(cells, tmp_path, text, message):
    np.save(tmp_path / "a.npy", VALUES)
    (tmp_path / "names").write_text(text)
    with pytest.raises(InputError, match=message):
        embed(cells, PrecomputedModel(path=str(tmp_path / "a.npy"), names=str(tmp_path / "names")))


def test_names_beside_a_matrix(cells, tmp_path):
    model = write(tmp_path, ".npy")
    (tmp_path / "names.txt").write_text("c1\nc2\n")
    with pytest.raises(InputError, match=r"has 4 rows, but .*names\.txt names 2 cells"):
        embed(cells, model)
    (tmp_path / "names.txt").unlink()
    with pytest.raises(InputError, match=r"names\.txt: no such file; check names"):
        embed(cells, model)


def test_pickled_objects_are_not_loaded(cells, tmp_path):
    model = write(tmp_path, ".npy")
    np.save(tmp_path / "embedding.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"embedding\.npy: cannot be read"):
        embed(cells, model)


def test_a_tensor_in_a_dictionary(cells, tmp_path):
    model = write(tmp_path, ".pt")
    content = {"z": torch.from_numpy(VALUES[ORDER]).double(), "note": "x"}
    torch.save(content, tmp_path / "embedding.pt")
    assert embed(cells, replace(model, key="z")).embedding.tolist() == VALUES.tolist()
    with pytest.raises(InputError, match="holds a dictionary; set key to one of z, note"):
        embed(cells, model)
    with pytest.raises(InputError, match="has no 'Z'; "):
        embed(cells, replace(model, key="Z"))
    with pytest.raises(InputError, match="holds a str, not a tensor"):
        embed(cells, replace(model, key="note"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "stored",
    [
        torch.Tensor.to_sparse,
        torch.Tensor.to_sparse_csr,
        torch.Tensor.bfloat16,
        torch.nn.Parameter,
        lambda values: torch.quantize_per_tensor(values, 1.0, 0, torch.quint8),
    ],
    ids=["coo", "csr", "bfloat16", "parameter", "quantised"],
)
def test_tensors_of_any_kind(cells, tmp_path, stored):
    model = write(tmp_path, ".pt")
    torch.save(stored(torch.from_numpy(VALUES[ORDER])), tmp_path / "embedding.pt")
    assert embed(cells, model).embedding.tolist() == VALUES.tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (VALUES, r"it holds numpy[\w.]*; save tensors .*torch\.as_tensor"),
        (pd.DataFrame(VALUES), r"it holds pandas[\w.]*; save tensors"),
        (VALUES.tolist(), "holds a list, not a tensor"),
        (torch.from_numpy(VALUES) + 1j, "must be a matrix of numbers.*type complex"),
    ],
    ids=["numpy", "pandas", "list", "complex"],
)
def test_what_is_no_tensor_of_numbers(cells, tmp_path, content, message):
    model = write(tmp_path, ".pt")
    torch.save(content, tmp_path / "embedding.pt")
    with pytest.raises(InputError, match=message) as stopped:
        embed(cells, model)
    assert stopped.value.args[0].isprintable()


def test_a_run_is_checked_before_it_starts(cells, tmp_path):
    cells.write_h5ad(tmp_path / "cells.h5ad")
    dataset = OwnCells(
        path=str(tmp_path / "cells.h5ad"), cell_type="cell_type", counts_layer="counts"
    )
    check_model(dataset, write(tmp_path, ".csv"))
    with pytest.raises(InputError, match=r"embedding\.csv: has no cell 'c4', which .*cells\.h5ad"):
        check_model(dataset, write(tmp_path, ".csv", order=[0, 1, 2]))
    with pytest.raises(InputError, match=r"gone\.csv: no such file"):
        check_model(dataset, PrecomputedModel(path=str(tmp_path / "gone.csv")))
    with pytest.raises(InputError, match=r"pbmc68k_reduced brings no embedding .* give the path"):
        check_model(Pbmc68kReduced(), PrecomputedModel(key="X_z"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "key is missing; name the embedding's key in obsm, or give a path"),
        ({"key": "X", "names": "n.txt"}, "names belong to a .npy or .pt file"),
        (
            {"path": "a.npz"},
            r"path ends in '\.npz'; embeddings are read from \.h5ad, \.zarr, \.npy",
        ),
        ({"path": "a.npy"}, r"a \.npy file needs a text file of cell names"),
        ({"path": "a.csv", "names": "n.txt"}, r"a \.csv file brings its own"),
        ({"path": "a.csv", "key": "X"}, r"a \.csv file has no keys; drop it"),
        ({"key": "X", "factors": "F", "surrogate": {}}, "two decoders of one embedding"),
    ],
)
def test_contradictions_in_a_config(config, message):
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(PrecomputedModel).validate_json(json.dumps(config), strict=True)


# --- surrogate decoder ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pbmc() -> anndata.AnnData:
    cells = read_dataset(Pbmc68kReduced())
    dense = cells.X.toarray()
    left, values, _ = np.linalg.svd(dense - dense.mean(axis=0), full_matrices=False)
    # An embedding without a decoder, on scales that differ, one column constant.
    z = left[:, :8] * values[:8] * np.logspace(-2, 2, 8) + 3
    cells.obsm["X_model"] = np.column_stack([z, np.full(len(z), 7.0)])
    return cells


SURROGATE = PrecomputedModel(key="X_model", surrogate=RidgeSurrogate(alpha=5.0))


def test_ridge_is_that_of_scikit_learn(pbmc):
    z, Y = pbmc.obsm["X_model"], pbmc.X.astype(np.float64)
    weights, intercept = ridge(z, Y, alpha=5.0)
    centre, scale = z.mean(axis=0), z.std(axis=0)
    scale[-1] = 1
    model = Ridge(alpha=5.0).fit((z - centre) / scale, Y.toarray())
    expected = model.predict((z - centre) / scale)
    np.testing.assert_allclose(z @ weights + intercept, expected, atol=1e-8)
    assert not weights[-1].any()


def test_explained_is_r2_weighted_by_variance(pbmc):
    Y = pbmc.X[:50].astype(np.float64)
    # scikit-learn leaves errors in genes that do not vary out of the sum.
    Y = Y[:, np.ptp(Y.toarray(), axis=0) > 0]
    predicted = Y.toarray() + np.random.default_rng(0).normal(0, 0.3, Y.shape)
    expected = r2_score(Y.toarray(), predicted, multioutput="variance_weighted")
    assert np.isclose(explained(predicted, Y), expected)
    assert np.isnan(explained(np.ones((2, 2)), sparse.csr_matrix(np.ones((2, 2)))))


def test_surrogate_decodes_what_the_embedding_knows(pbmc):
    bundle = embed(pbmc, SURROGATE)
    decoded, measured = expression(bundle), expression(bundle, source="measured")
    np.testing.assert_allclose(decoded.sum(axis=1), 1e4, rtol=1e-4)
    assert np.corrcoef(decoded.mean(axis=0), measured.mean(axis=0))[0, 1] > 0.995
    marker = pbmc.var_names.get_loc("CD79A")
    assert np.corrcoef(decoded[:, marker], measured[:, marker])[0, 1] > 0.7
    quality = bundle.info["fit"]["surrogate"]
    assert quality["n_held_out"] == 70
    assert 0.05 < quality["r2_held_out"] < 1


def test_the_decoder_is_fitted_on_all_cells(pbmc):
    z = pbmc.obsm["X_model"]
    decoder, _ = fit_surrogate(z, pbmc, RidgeSurrogate(alpha=2.0, holdout=0.5))
    weights, intercept = ridge(z, pbmc.X, alpha=2.0)
    np.testing.assert_allclose(decoder.weights, weights, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(decoder.intercept, intercept, rtol=1e-5, atol=1e-6)


def test_smearing_brings_gene_means_closer(pbmc):
    decoder, _ = fit_surrogate(pbmc.obsm["X_model"], pbmc, RidgeSurrogate())
    plain = SurrogateDecoder(
        weights=decoder.weights,
        intercept=decoder.intercept,
        smearing=np.ones_like(decoder.smearing),
    )
    counts = pbmc.layers["counts"].toarray().astype(float)
    measured = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
    errors = [
        np.abs(each.decode(pbmc.obsm["X_model"], library=1).mean(axis=0) - measured).sum()
        for each in (plain, decoder)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_surrogate_is_called_so_wherever_it_is_used(pbmc, tmp_path):
    bundle = embed(pbmc, SURROGATE)
    write_bundle(bundle, tmp_path)
    loaded = read_bundle(tmp_path)
    assert isinstance(loaded.decoder, SurrogateDecoder)
    np.testing.assert_array_equal(expression(loaded), expression(bundle))
    assert json.loads((tmp_path / "decoder.json").read_text())["surrogate"] is True
    info = json.loads((tmp_path / "bundle.json").read_text())
    assert info["decoder"] == "surrogate"
    assert info["fit"]["surrogate"]["kind"] == "ridge"
    assert diagnose(bundle, seed=0)["decoder"] == "surrogate"
    assert SURROGATE.has_decoder
    assert not PrecomputedModel(key="X_model").has_decoder


def test_surrogate_of_noise_explains_nothing_in_cells_left_out(pbmc):
    noise = np.random.default_rng(0).normal(size=(700, 20))
    _, quality = fit_surrogate(noise, pbmc, RidgeSurrogate())
    assert quality["r2_held_out"] < 0.01
