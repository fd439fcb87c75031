"""A run in two words is a whole config, and says what it chose."""

import pytest

from featurelens.config.kinds import with_kinds
from featurelens.config.parse import parse_config
from featurelens.config.short import GENE_SETS, in_full
from featurelens.io import InputError

WORDS = {"cells": "data/my cells.h5ad", "embedding": "X_scVI"}


def run_of(config, n_cells=500):
    full, lines = in_full(config, lambda path: n_cells)
    return parse_config(full), " ".join(lines)


def test_two_words_are_a_run():
    run, said = run_of(WORDS)
    assert run.run == "my-cells"
    assert run.datasets["mine"].cells.path == "data/my cells.h5ad"
    assert run.datasets["mine"].models["scVI"].key == "X_scVI"
    assert run.saes["topk"].epochs == 2000
    assert run.dge.expression == "measured"
    assert run.dge.high_percentile == 95
    assert [block.path for block in run.collections.values()] == [GENE_SETS]
    assert "2000 epochs" in said
    assert f"{GENE_SETS} is taken" in said


def test_more_words_and_parts_of_a_config():
    words = {"gene_sets": "h.gmt", "batch": "lane", "run": "other", "gsea": {"top": 1}}
    run, said = run_of(WORDS | words | {"embedding": "z.csv.gz"}, n_cells=50_000)
    assert run.run == "other"
    assert run.datasets["mine"].cells.batch == "lane"
    assert run.datasets["mine"].models["z"].path == "z.csv.gz"
    assert run.gsea.top == 1
    assert run.saes["topk"].epochs == 20
    assert run.dge.high_percentile == 99
    assert list(run.collections) == ["h"]
    assert GENE_SETS not in said


def test_cells_without_an_embedding_get_one():
    model = run_of(WORDS | {"embedding": "pca"})[0].datasets["mine"].models["pca"]
    assert (model.kind, model.n_components) == ("pca", 20)


def test_a_run_in_full_stays_as_it_is():
    config = {"run": "full"}
    assert in_full(config, lambda path: 1) == (config, [])


def test_what_is_missing_or_unknown_is_said():
    with pytest.raises(InputError, match=r"'embedding' is missing beside 'cells'.*gene_sets="):
        in_full({"cells": "a.h5ad"}, lambda path: 1)
    with pytest.raises(InputError, match="unknown key 'celltype'"):
        run_of(WORDS | {"celltype": "x"})


def test_kinds_are_told_by_what_is_given():
    block = {"cells": {"path": "a.zarr"}, "models": {"m": {"path": "z.npy"}, "p": {"kind": "pca"}}}
    made = with_kinds({"datasets": {"mine": block}})["datasets"]["mine"]
    assert made["cells"]["kind"] == "h5ad"
    assert [model["kind"] for model in made["models"].values()] == ["precomputed", "pca"]
    assert with_kinds({"datasets": {"mine": None}}) == {"datasets": {"mine": None}}
    assert with_kinds({"datasets": 3}) == {"datasets": 3}
