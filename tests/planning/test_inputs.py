"""Gene sets looked at before a run: files, and names of genes against those of the cells."""

import gzip

import anndata
import numpy as np
import pandas as pd
import pytest

import gene_ontology
from featurelens.config.parse import parse_config
from featurelens.io import InputError, sha256_file
from featurelens.planning.inputs import check_inputs
from featurelens.planning.plan import Plan
from gene_ontology import gaf_line

GENES = ("GNLY", "NKG7", "CD79A", "CD79B", "MS4A1", "CD74")


@pytest.fixture
def folder(tmp_path):
    """Cells by Ensembl id with symbols in a column, sets, and a tiny ontology."""
    rng = np.random.default_rng(0)
    cells = anndata.AnnData(
        rng.poisson(1.0, (30, len(GENES))).astype(np.float32) + 1,
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(["T", "B", "NK"] * 10)},
            index=[f"cell{i}" for i in range(30)],
        ),
        var=pd.DataFrame({"name": GENES}, index=[f"ENSG{i:011d}.7" for i in range(len(GENES))]),
        obsm={"X_model": rng.normal(size=(30, 4)).astype(np.float32)},
    )
    cells.write_h5ad(tmp_path / "cells.h5ad")
    (tmp_path / "sets.yaml").write_text("cytotoxic: [GNLY, NKG7, CD74, PRF1]\n")
    (tmp_path / "go.obo").write_text(gene_ontology.OBO)
    lines = [gaf_line(gene, "GO:0000005") for gene in GENES]
    (tmp_path / "go.gaf").write_text("\n".join(["!gaf-version: 2.2", *lines]))
    return tmp_path


def check(folder, collection, universe=None, saes=None, **more):
    """Run the check on a config with one dataset and one collection."""
    here = {
        key: str(folder / value) if key in ("path", "ontology", "annotations", "mapping") else value
        for key, value in collection.items()
    }
    cells = {"kind": "h5ad", "path": str(folder / "cells.h5ad"), "cell_type": "cell_type"}
    run = parse_config(
        {
            "run": "mine",
            "datasets": {
                "mine": {
                    "cells": cells | {"symbol": "name"},
                    "models": {"mine": {"kind": "precomputed", "key": "X_model"}},
                    "saes": saes,
                }
            },
            "saes": {"relu": {"architecture": "relu", "expansion": 2}},
            "dge": {"expression": "measured"},
            "collections": {"sets": here},
            "enrichment": {"universe": universe or {}},
        }
        | more
    )
    return check_inputs(**Plan(run).user_files)


def test_every_file_has_a_row(folder):
    (folder / "expressed.txt").write_text("GNLY\nCD74\n")
    rows = check(
        folder,
        {"ontology": "go.obo", "annotations": "go.gaf"},
        {"file": str(folder / "expressed.txt")},
    ).set_index("key")
    found = rows["found"].to_dict()
    assert found.pop("datasets.mine.cells.path") == "3 cell types"
    assert found == {
        "collections.sets.ontology": "8 terms, releases/2026-01-01",
        "collections.sets.annotations": "genes of 1 terms",
        "enrichment.universe.file": "2 lines",
    }
    row = rows.loc["collections.sets.annotations"]
    assert row["sha256"] == sha256_file(folder / "go.gaf")


def test_sets_by_ensembl_id_meet_cells_that_have_both(folder):
    (folder / "sets.yaml").write_text(
        "cytotoxic: [ENSG00000000000, ENSG00000000001.12, ENSG00000000002]\n"
    )
    assert len(check(folder, {"path": "sets.yaml"})) == 2


@pytest.mark.parametrize(
    ("sets", "guess"),
    [
        ("cytotoxic: [Gnly, Nkg7, Prf1]", "capitalised symbols, as of mouse"),
        ("cytotoxic: [ENSMUSG00000004612, ENSMUSG00000022156]", "mouse Ensembl ids"),
        ("cytotoxic: [P22749, Q16617]", "UniProt accessions"),
    ],
)
def test_names_of_another_kind_stop_the_run(folder, sets, guess):
    (folder / "sets.yaml").write_text(sets)
    with pytest.raises(InputError) as caught:
        check(folder, {"path": "sets.yaml"})
    message = str(caught.value)
    assert "'collections.sets' and of 'datasets.mine'" in message
    assert guess in message
    assert "GNLY" in message or "CD74" in message
    assert "\n" not in message


def test_sets_of_another_species_do_not_matter_where_they_annotate_nothing(folder):
    (folder / "sets.yaml").write_text("cytotoxic: [Gnly, Nkg7, Prf1]")
    assert len(check(folder, {"path": "sets.yaml"}, saes=[])) == 2
    assert len(check(folder, {"path": "sets.yaml", "datasets": []})) == 2


def test_a_collection_for_an_unknown_dataset_is_refused(folder):
    with pytest.raises(InputError, match=r"'collections.sets.datasets' names 'mime'.*'mine'"):
        check(folder, {"path": "sets.yaml", "datasets": ["mime"]})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        # 313 bytes of this kind circulate under the name go-basic.obo.
        (
            "go.obo",
            b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n'
            b"<title>302 Found</title>\n</head></html>\n",
            "go.obo: is a web page, not an OBO ontology; download go-basic.obo itself",
        ),
        ("go.obo", gzip.compress(gene_ontology.OBO.encode())[:200], "go.obo: breaks off in"),
        ("go.gaf", gzip.compress(gene_ontology.GAF.encode())[:200], "go.gaf: breaks off in"),
        ("go.gaf", gene_ontology.OBO.encode(), "go.gaf: is an OBO ontology, not a GAF"),
        ("go.obo", gene_ontology.GAF.encode(), "go.obo: is a GAF annotation file, not an OBO"),
    ],
    ids=["web page", "half an ontology", "half a GAF", "an ontology as GAF", "a GAF as ontology"],
)
def test_files_of_another_kind_stop_the_run(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        check(folder, {"ontology": "go.obo", "annotations": "go.gaf"})
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named_by_its_key(folder):
    with pytest.raises(InputError, match=r"'collections.sets.mapping' names '.*gone.tsv'"):
        check(folder, {"path": "sets.yaml", "mapping": "gone.tsv"})


def test_a_background_of_other_genes_stops_the_run(folder):
    (folder / "expressed.txt").write_text("Gnly\n")
    with pytest.raises(InputError, match=r"expressed.txt: none of its 1 genes is in the data"):
        check(folder, {"path": "sets.yaml"}, {"file": str(folder / "expressed.txt")})


@pytest.mark.parametrize(
    ("sets", "tests", "message"),
    [
        ("a: [GNLY]\nb: [NKG7, PRF1]\n", {}, r"none of 2 gene sets has 3 to 500 .* 1 to 1; lower"),
        ("a: [GNLY, NKG7, CD74]\n", {"max_genes": 3, "min_genes": 3}, None),
        ("a: [GNLY, NKG7, CD74]\n", {"max_genes": 2, "min_genes": 1}, "they have 3 to 3; .*raise"),
        # CD74 does not count: two genes are left.
        ("a: [GNLY, NKG7, CD74]\n", {"universe": True}, "they have 2 to 2"),
        ("a: [GNLY]\nb: [GNLY, NKG7, CD79A]\n", {}, None),
    ],
    ids=["too small", "at the bounds", "too large", "background", "one of two"],
)
def test_sets_of_which_none_would_be_tested_stop_the_run(folder, sets, tests, message):
    (folder / "sets.yaml").write_text(sets)
    (folder / "expressed.txt").write_text("GNLY\nNKG7\n")
    universe = {"file": str(folder / "expressed.txt")} if tests.pop("universe", False) else {}
    enrichment = {"enrichment": tests | {"universe": universe}}
    if message is None:
        assert len(check(folder, {"path": "sets.yaml"}, **enrichment)) == 2
    else:
        with pytest.raises(InputError, match=f"'collections.sets': .*{message}"):
            check(folder, {"path": "sets.yaml"}, **enrichment)


def test_sets_are_counted_by_their_mapped_names(folder):
    (folder / "sets.yaml").write_text("a: [X, Y, Z]\n")
    (folder / "map.tsv").write_text("X\tGNLY\nY\tNKG7\n")
    with pytest.raises(InputError, match="they have 2 to 2"):
        check(folder, {"path": "sets.yaml", "mapping": "map.tsv"})


@pytest.mark.parametrize("key", ["gsea.features", "dge.chosen"])
def test_a_feature_that_no_sae_will_have_stops_the_run(folder, key):
    """An embedding of four dimensions, and an SAE with two features for each."""

    def asking(number):
        if key == "gsea.features":
            return {"gsea": {"features": [2, number]}}
        return {"dge": {"expression": "measured", "chosen": [number, 0]}}

    assert len(check(folder, {"path": "sets.yaml"}, **asking(7))) == 2
    message = rf"'{key}' names feature 8, but 'relu' has 8 features on 'mine/mine', 0 to 7"
    with pytest.raises(InputError, match=message):
        check(folder, {"path": "sets.yaml"}, **asking(8))
