"""Files and configuration of a Geneformer model; no test here needs transformers."""

import json
import shutil
import sys
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import load_file, save_file

from featurelens.datasets.config import OwnCells, Pbmc68kReduced
from featurelens.datasets.readers import read_dataset
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.geneformer.config import GeneformerModel
from featurelens.embeddings.models.geneformer.variants import SIZES
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.registry import check_model
from featurelens.io import InputError
from geneformer_files import (
    GENES,
    bert_config,
    write_model,
    write_zeros,
)


@pytest.fixture
def cells(tmp_path):
    path = tmp_path / "cells.h5ad"
    anndata.AnnData(
        np.array([[3, 0, 3, 10, 1, 0], [1, 2, 0, 0, 0, 1]], dtype=np.float32),
        obs=pd.DataFrame({"cell_type": pd.Categorical(["a", "b"])}, index=["c1", "c2"]),
        var=pd.DataFrame({"ids": GENES, "symbol": list("ABCDEF")}, index=GENES),
    ).write_h5ad(path)
    return OwnCells(path=str(path), cell_type="cell_type")


@pytest.mark.parametrize("series", ["V1", "V2"])
def test_files_that_fit_together_pass(tmp_path, cells, series):
    check_model(cells, write_model(tmp_path, series))


def test_symbols_are_refused_until_a_column_holds_the_ids(tmp_path, cells):
    model = write_model(tmp_path, "V1")
    data = anndata.read_h5ad(cells.path)
    data.var_names = data.var["symbol"].tolist()
    data.write_h5ad(cells.path)
    with pytest.raises(InputError, match="the names of var: 'A', 'B', 'C' are no Ensembl ids"):
        check_model(cells, model)
    check_model(replace(cells, ensembl="ids"), model)
    assert read_dataset(replace(cells, ensembl="ids")).var["ensembl"].tolist() == GENES
    assert "ensembl" not in read_dataset(cells).var
    data.var = data.var.rename(columns={"ids": "ensembl"})
    data.write_h5ad(cells.path)
    check_model(cells, model)
    with pytest.raises(InputError, match=r"var has no 'idz'; .*there is: ensembl, symbol"):
        read_dataset(replace(cells, ensembl="idz"))


def test_logarithms_are_no_counts(tmp_path, cells):
    data = anndata.read_h5ad(cells.path)
    data.X = np.log1p(data.X)
    data.write_h5ad(cells.path)
    with pytest.raises(InputError, match=r"must hold raw counts, but 1\.38629 in cell 'c1'"):
        read_dataset(cells)


def test_logarithms_in_memory_are_no_counts_either(tmp_path, cells):
    data = read_dataset(cells)
    data.layers["counts"] = data.X
    with pytest.raises(InputError, match=r"layers\['counts'\] must hold raw counts, but .* 'c1'"):
        embed(data, write_model(tmp_path, "V1"))


def test_the_cells_of_scanpy_have_no_ids(tmp_path):
    with pytest.raises(InputError, match="pbmc68k_reduced has too few genes for geneformer"):
        check_model(Pbmc68kReduced(), write_model(tmp_path, "V1"))


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


FAULTS = {
    "no folder": (shutil.rmtree, "model: no such folder"),
    "no config": (lambda f: (f / "config.json").unlink(), "config.json: no such file"),
    "no weights": (
        lambda f: (f / "model.safetensors").unlink(),
        "holds no model.safetensors or pytorch_model.bin",
    ),
    "half a config": (lambda f: truncate(f / "config.json"), "cannot be read as JSON"),
    "another kind": (lambda f: change_config(f, model_type="gpt2"), "model_type is 'gpt2'"),
    "no size": (lambda f: change_config(f, hidden_size=None), "hidden_size is None"),
    "truncated": (
        lambda f: truncate(f / "model.safetensors"),
        "model.safetensors: cannot be read as safetensors .* is it whole",
    ),
    "pointer": (
        lambda f: (f / "model.safetensors").write_text("version https://git-lfs.github.com/spec"),
        "is a pointer of Git LFS",
    ),
    "wider": (
        lambda f: change_config(f, hidden_size=16),
        r"word_embeddings.weight has shape \(8, 8\), but .*config.json states \(8, 16\)",
    ),
    "deeper": (
        lambda f: change_config(f, num_hidden_layers=3),
        "has no bert.encoder.layer.2.attention.self.query.weight",
    ),
    "shallower": (
        lambda f: change_config(f, num_hidden_layers=1),
        "has more than the 1 layers that .*config.json states",
    ),
    "a weight lost": (
        lambda f: change_weights(f, lambda t: t.pop("bert.encoder.layer.1.output.dense.bias")),
        "has no bert.encoder.layer.1.output.dense.bias",
    ),
    "short": (
        lambda f: write_zeros(f, bert_config(8, positions=512)),
        "the model reads 512 tokens, but cells of V1 have up to 2048",
    ),
    "other vocabulary": (
        lambda f: write_zeros(f, bert_config(9)),
        "has 8 tokens, but the model of .*model has 9; give the dictionaries",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_models_that_cannot_be_used(tmp_path, cells, fault):
    model = write_model(tmp_path, "V1")
    spoil, message = FAULTS[fault]
    spoil(tmp_path / "model")
    with pytest.raises(InputError, match=message) as error:
        check_model(cells, model)
    assert "\n" not in str(error.value)


def test_a_published_variant_has_its_published_size(tmp_path, cells):
    model = replace(write_model(tmp_path, "V1"), variant="gf-6L-30M-i2048")
    with pytest.raises(InputError, match="num_hidden_layers is 2, but gf-6L-30M-i2048 has 6"):
        check_model(cells, model)


def test_a_layer_that_is_not_there(tmp_path, cells):
    model = write_model(tmp_path, "V1", layer=-3)
    with pytest.raises(InputError, match=r"layer of geneformer is -3, .* has 2 layers; give 0 to"):
        check_model(cells, model)


def test_without_transformers_one_line_says_how_to_get_it(tmp_path, cells, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"needs the package transformers; .*featurelens\[gene"):
        embed(read_dataset(cells), write_model(tmp_path, "V1"))


def parse(**fields):
    return TypeAdapter(GeneformerModel).validate_python(
        {"kind": "geneformer", "folder": "f", "tokens": "t.pkl", "medians": "m.pkl"} | fields
    )


@pytest.mark.parametrize("name", [*SIZES, "V1", "V2"])
def test_variants_know_their_series(name):
    assert parse(variant=name).series == ("V1" if "30M" in name or name == "V1" else "V2")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variant": "V1", "pooling": "cls"}, "V1 has no <cls> token; use cell"),
        ({"variant": "V2", "repository": "a/b"}, "revision is missing"),
        ({"variant": "V2", "revision": "abc"}, "revision: belongs to a repository"),
        ({"variant": "V2", "layer": 1}, "less than or equal to 0"),
        ({"variant": "V3"}, "Input should be 'gf-6L-30M-i2048'"),
    ],
)
def test_contradictions_in_the_config(fields, message):
    with pytest.raises(ValidationError, match=message):
        parse(**fields)


def test_the_workflow_knows_the_files_of_a_model():
    model = parse(variant="V2", mapping="e.pkl")
    assert model.files == {
        "tokens": "t.pkl",
        "medians": "m.pkl",
        "mapping": "e.pkl",
        "folder/config.json": "f/config.json",
        "folder/model.safetensors": "f/model.safetensors",
        "folder/pytorch_model.bin": "f/pytorch_model.bin",
    }
    assert replace(model, repository="a/b", revision="c").files == {}
    assert PCAModel().files == {}
