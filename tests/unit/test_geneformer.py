"""Geneformer's dictionaries, tokens and files; no test here needs transformers."""

import gzip
import json
import os
import pickle
import shutil
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from geneformer_files import (
    GENES,
    PBMC,
    V1,
    bert_config,
    write_dictionaries,
    write_json,
    write_model,
    write_zeros,
)
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from featurelens.embeddings.config import GeneformerModel, OwnCells, Pbmc68kReduced, user_files
from featurelens.embeddings.datasets import check_model, read_dataset
from featurelens.embeddings.geneformer.dictionaries import read_dictionary, read_vocabulary
from featurelens.embeddings.geneformer.genes import find_genes
from featurelens.embeddings.geneformer.pickles import read_plain_pickle
from featurelens.embeddings.geneformer.tokens import tokenize
from featurelens.embeddings.geneformer.variants import SERIES, SIZES
from featurelens.io import InputError

needs_v1 = pytest.mark.skipif(
    not V1["tokens"].exists(), reason="needs the V1 dictionaries in shared/data/geneformer"
)
needs_pbmc = pytest.mark.skipif(not PBMC.exists(), reason="needs shared/data/cells/pbmc_facs.h5ad")


@pytest.fixture(scope="module")
def v1():
    return read_vocabulary(V1["tokens"], V1["medians"], None, series="V1")


def invented(folder, series, **changes):
    paths = write_dictionaries(folder, series) | changes
    return read_vocabulary(paths["tokens"], paths["medians"], paths.get("mapping"), series=series)


def run(counts, vocabulary, ids=GENES, *, series="V1", input_size=None, totals=None):
    counts = sparse.csr_matrix(counts)
    names = SERIES[series].special
    return tokenize(
        counts,
        counts.sum(axis=1).A1 if totals is None else totals,
        pd.Index([f"cell{row}" for row in range(counts.shape[0])]),
        find_genes(ids, vocabulary, where="data", min_share=0.01),
        input_size=input_size or SERIES[series].input_size,
        special=None if names is None else tuple(vocabulary.tokens[name] for name in names),
    )


def straightforward(counts, totals, ids, vocabulary, *, input_size, special):
    """The definition for one cell after the other, with Python's own stable sort."""
    for row, total in zip(counts.toarray(), totals, strict=True):
        sums = {}
        for gene, x in zip(map(vocabulary.gene_of, ids), row, strict=True):
            if gene is not None and x:
                sums[gene] = sums.get(gene, 0) + x
        value = {gene: x / total * 10_000 / vocabulary.medians[gene] for gene, x in sums.items()}
        ranked = sorted(sums, key=lambda gene: -value[gene])
        room = input_size - (0 if special is None else 2)
        tokens = [vocabulary.tokens[gene] for gene in ranked][:room]
        yield tokens if special is None else [special[0], *tokens, special[1]]


# Tokens


def test_tokens_by_pencil(tmp_path):
    vocabulary = invented(tmp_path, "V1")
    # Medians are 1, 1.5, 2, 2.5, 3, 3.5 and tokens 2 to 7. Counts over medians:
    # cell0: 3, -, 3/2, 10/2.5 = 4, 1/3, -  ->  gene 4, 1, 3, 5
    # cell1: -, -, -, -, -, 1              ->  gene 6
    tokens = run([[3, 0, 3, 10, 1, 0], [0, 0, 0, 0, 0, 1]], vocabulary)
    assert tokens.of(0).tolist() == [5, 2, 4, 6]
    assert tokens.of(1).tolist() == [7]
    assert tokens.n_known.tolist() == [4, 1]


def test_v2_stands_between_cls_and_eos_within_the_input(tmp_path):
    vocabulary = invented(tmp_path, "V2")
    # Tokens are 2 for <cls>, 3 for <eos>, 4 to 9 for genes; the order is that of the test above.
    counts = [[3, 0, 3, 10, 1, 0]]
    assert run(counts, vocabulary, series="V2").of(0).tolist() == [2, 7, 4, 6, 8, 3]
    assert run(counts, vocabulary, series="V2", input_size=5).of(0).tolist() == [2, 7, 4, 6, 3]


def test_v1_is_cut_without_room_for_special_tokens(tmp_path):
    tokens = run([[3, 0, 3, 10, 1, 0]], invented(tmp_path, "V1"), input_size=3)
    assert tokens.of(0).tolist() == [5, 2, 4]
    assert tokens.n_known.tolist() == [4]


def test_v2_sums_the_ids_that_are_mapped_to_one_gene(tmp_path):
    old = "ENSG99999999999"
    mapping = {gene: gene for gene in GENES[:5]} | {old: GENES[0]}
    vocabulary = invented(tmp_path, "V2", mapping=write_json(tmp_path / "m.json", mapping))
    # Gene 1 has 2 + 3 = 5 counts over 1, gene 2 has 6 over 1.5 = 4: gene 1 comes first only
    # because of the sum. Gene 6 is not mapped, so it is unknown although it has a token.
    tokens = run([[2, 6, 0, 0, 0, 9, 3]], vocabulary, [*GENES, old], series="V2")
    assert tokens.of(0).tolist() == [2, 4, 5, 3]


def test_equal_values_keep_the_order_of_the_columns_as_insertion_sort_does(tmp_path):
    vocabulary = invented(
        tmp_path, "V1", medians=write_json(tmp_path / "e.json", dict.fromkeys(GENES, 2.0))
    )
    tokens = run([[1, 2, 1, 2, 1, 1]], vocabulary)
    assert tokens.of(0).tolist() == [3, 5, 2, 4, 6, 7]
    reversed_columns = run([[1, 1, 2, 1, 2, 1]], vocabulary, GENES[::-1])
    assert reversed_columns.of(0).tolist() == [5, 3, 7, 6, 4, 2]


@pytest.mark.parametrize("series", ["V1", "V2"])
def test_tokens_are_those_of_a_loop_over_cells(tmp_path, series):
    rng = np.random.default_rng(0)
    n_genes, n_cells = 300, 200
    paths = write_dictionaries(
        tmp_path,
        series,
        n_genes=n_genes,
        medians={
            f"ENSG{number:011d}": float(rng.uniform(0.5, 5)) for number in range(1, n_genes + 1)
        },
    )
    ids = [f"ENSG{number:011d}" for number in range(1, 400)]
    mapping = None
    if series == "V2":  # every seventh id is an old name of the gene before it
        known = {name: name for name in ids[:n_genes]}
        mapping = write_json(
            tmp_path / "mapping.json",
            known | {ids[place]: ids[place - 1] for place in range(7, n_genes, 7)},
        )
    vocabulary = read_vocabulary(paths["tokens"], paths["medians"], mapping, series=series)
    counts = sparse.random(n_cells, len(ids), density=0.3, random_state=1, format="csr")
    counts.data = rng.geometric(0.3, counts.nnz).astype(np.int32)
    counts = sparse.csr_matrix(counts, dtype=np.int32)
    totals = counts.sum(axis=1).A1 + 17  # of genes that were measured but are not kept
    special = None if series == "V1" else (2, 3)
    made = run(counts, vocabulary, ids, series=series, input_size=80, totals=totals)
    expected = straightforward(counts, totals, ids, vocabulary, input_size=80, special=special)
    for row, tokens in enumerate(expected):
        assert made.of(row).tolist() == tokens, row
    assert (made.lengths == 80).any()
    assert (made.lengths < 80).any()


def test_a_cell_without_a_known_gene_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cell 'cell1' has no count of a gene .* \(1 such cells"):
        run([[1, 0], [0, 1]], invented(tmp_path, "V1"), [GENES[0], "ENSG00000999999"])


def test_chosen_cells_keep_their_tokens(tmp_path):
    tokens = run([[3, 0, 3, 10, 1, 0], [0, 0, 0, 0, 0, 1]], invented(tmp_path, "V1"))
    taken = tokens.take(np.array([1, 0]))
    assert taken.names.tolist() == ["cell1", "cell0"]
    assert taken.of(1).tolist() == [5, 2, 4, 6]


@needs_v1
@needs_pbmc
def test_real_cells_are_ranked_as_numpy_ranks_them(v1):
    cells = anndata.read_h5ad(PBMC)[::40].copy()
    counts = sparse.csr_matrix(cells.X).astype(np.int32)
    genes = find_genes(cells.var_names, v1, where="pbmc_facs", min_share=0.5)
    assert (len(genes.columns), genes.n_genes) == (13_907, 16_791)
    totals = counts.sum(axis=1).A1
    made = tokenize(counts, totals, cells.obs_names, genes, input_size=2048, special=None)
    for row in range(cells.n_obs):
        known = counts[row, genes.columns]
        value = known.data / totals[row] * 10_000 / genes.medians[known.indices]
        assert len(np.unique(value)) == len(value), "without ties every sort gives one order"
        assert (made.of(row) == genes.tokens[known.indices][np.argsort(-value)][:2048]).all()


# Genes


def test_versions_and_capitals_of_ids_do_not_matter(tmp_path):
    ids = [f"{GENES[0]}.14", GENES[1].lower(), *GENES[2:]]
    genes = find_genes(ids, invented(tmp_path, "V1"), where="data", min_share=1)
    assert genes.tokens.tolist() == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["TP53", "CD4", "IL7R", GENES[0]], "data: 'TP53', 'CD4', 'IL7R' are no Ensembl ids"),
        (["ENSMUSG00000000001", "ENSMUSG00000000028"], "'ENSMUSG00000000001' is no id of a human"),
        (
            [GENES[0], *(f"ENSG0000000090{i}" for i in range(9))],
            r"knows 1 of 10 genes \(10.0%, at least 50% are needed\); unknown are 'ENSG0000000090",
        ),
    ],
)
def test_genes_that_the_model_does_not_know(tmp_path, ids, message):
    with pytest.raises(InputError, match=message):
        find_genes(ids, invented(tmp_path, "V1"), where="data", min_share=0.5)


# Dictionaries


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path):
    path, target = tmp_path / "d.pkl", tmp_path / "made"
    path.write_bytes(pickle.dumps({"a": Malicious(str(target))}))
    with pytest.raises(InputError, match=r"d\.pkl: .* asks for posix\.mkdir, which was not run"):
        read_plain_pickle(path)
    assert not target.exists()
    with path.open("rb") as file:  # the same bytes do run in pickle itself
        pickle.load(file)
    assert target.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_pickles_of_every_protocol_are_read(tmp_path, protocol):
    content = {"a": 1, "b": [2.5, "c", {"d": -3}], "e": 2**70}
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    assert read_plain_pickle(path) == content


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_scalars_of_numpy_become_numbers(tmp_path, protocol):
    content = {"a": np.float64(2.25), "b": np.float32(0.5), "c": np.int64(-7), "d": np.uint8(9)}
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    if protocol < 3:  # there bytes are written as a call of a codec, which is code too
        with pytest.raises(InputError, match=r"asks for _codecs\.encode"):
            read_plain_pickle(path)
        return
    read = read_plain_pickle(path)
    assert read == {"a": 2.25, "b": 0.5, "c": -7, "d": 9}
    assert {type(value) for value in read.values()} == {int, float}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": np.arange(3)}, "asks for numpy"),
        ({"a": np.float64}, "asks for numpy.float64"),
        ({"a": np.dtype("O")}, r"asks for numpy\.dtype\('O"),
        ({"a": np.dtype("f8")}, "holds a _Type"),
        ({"a": (1, 2)}, "holds a tuple; only dict, list, str, int and float are read"),
        ({"a": {1, 2}}, "holds a set"),
        ({"a": None}, "holds a NoneType"),
        ({"a": True}, "holds a bool"),
        ({("a",): 1}, "holds a tuple"),
    ],
)
def test_pickles_of_other_things_are_refused(tmp_path, content, message):
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=message):
        read_plain_pickle(path)


def test_a_truncated_pickle_is_refused(tmp_path):
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps({"a": "b" * 99})[:50])
    with pytest.raises(InputError, match=r"d\.pkl: cannot be read as a pickle .* is it whole\?"):
        read_plain_pickle(path)


@needs_v1
def test_the_real_dictionaries_of_v1_and_their_pickles_are_the_same(tmp_path, v1):
    assert v1.size == SERIES["V1"].vocabulary == 25_426
    assert (v1.padding, v1.tokens["<mask>"]) == (0, 1)
    assert len(v1.medians) == 25_424
    for name, path in V1.items():
        content = json.loads(gzip.decompress(path.read_bytes()))
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(content))
    again = read_vocabulary(tmp_path / "tokens.pkl", tmp_path / "medians.pkl", None, series="V1")
    assert (again.tokens, again.medians) == (v1.tokens, v1.medians)


def broken(folder, name):
    """Paths of dictionaries with one fault."""
    paths = write_dictionaries(folder, "V1")
    tokens = read_dictionary(paths["tokens"])
    if name == "exchanged":
        return paths | {"tokens": paths["medians"]}
    if name == "v2":
        return paths | {"tokens": write_dictionaries(folder, "V2")["tokens"]}
    if name == "twice":
        tokens[GENES[0]] = tokens[GENES[1]]
    if name == "more genes":
        tokens["ENSG00000000099"] = 8
    if name == "no padding":
        del tokens["<pad>"]
    if name == "pointer":
        path = folder / "tokens.pkl"
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n")
        return paths | {"tokens": str(path)}
    if name == "text":
        path = folder / "tokens.txt"
        shutil.copy(paths["tokens"], path)
        return paths | {"tokens": str(path)}
    if name == "truncated":
        path = folder / "tokens.json.gz"
        path.write_bytes(gzip.compress(b'{"a": 1}')[:-6])
        return paths | {"tokens": str(path)}
    if name == "list":
        return paths | {"tokens": write_json(folder / "list.json", [1, 2])}
    if name == "foreign mapping":
        mapping = write_json(folder / "mapping.json", {"ENSG00000000001": "ENSG00000000077"})
        return paths | {"mapping": mapping}
    if name == "gone":
        return paths | {"medians": str(folder / "gone.json")}
    return paths | {"tokens": write_json(folder / "tokens_V1.json", tokens)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exchanged", "has 1.0, but this dictionary is of tokens, .* paths in the config"),
        ("v2", "has a token <cls>, which models of V1 lack"),
        ("twice", "have the same token 3; it is damaged"),
        ("more genes", "has no median for 'ENSG00000000099', which .* has \\(1 such genes\\)"),
        ("no padding", "has no token <pad>, which models of V1 need"),
        ("pointer", "is a pointer of Git LFS and not the file itself; run git lfs pull"),
        ("text", "ends in none of .json, .json.gz, .pkl"),
        ("truncated", "cannot be read as JSON"),
        ("list", "holds no dictionary with text for keys"),
        ("foreign mapping", "maps to no gene of"),
        ("gone", "gone.json: no such file"),
    ],
)
def test_dictionaries_that_cannot_be_used(tmp_path, name, message):
    paths = broken(tmp_path, name)
    with pytest.raises(InputError, match=message) as error:
        read_vocabulary(paths["tokens"], paths["medians"], paths.get("mapping"), series="V1")
    assert "\n" not in str(error.value)


def test_a_dictionary_of_v1_is_none_of_v2(tmp_path):
    paths = write_dictionaries(tmp_path, "V1")
    with pytest.raises(InputError, match="has no token <cls>, which models of V2 need"):
        read_vocabulary(paths["tokens"], paths["medians"], None, series="V2")


# Files and checks


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
    import sys

    from featurelens.embeddings import embed

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"needs the package transformers; .*featurelens\[gene"):
        embed(read_dataset(cells), write_model(tmp_path, "V1"))


# Config


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
    plain = vars(parse(variant="V2", mapping="e.pkl"))
    assert user_files(plain) == {
        "tokens": "t.pkl",
        "medians": "m.pkl",
        "mapping": "e.pkl",
        "folder/config.json": "f/config.json",
        "folder/model.safetensors": "f/model.safetensors",
        "folder/pytorch_model.bin": "f/pytorch_model.bin",
    }
    assert user_files(plain | {"repository": "a/b", "revision": "c"}) == {}
    assert user_files({"kind": "pca"}) == {}
