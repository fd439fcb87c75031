"""Several collections as one."""

import pandas as pd
import pytest

import gene_ontology
from featurelens.config.parse import parse_config
from featurelens.genesets.compiling import TERM_COLUMNS, compile_collection
from featurelens.genesets.config import CollectionConfig, annotated_with
from featurelens.genesets.unions import unite
from featurelens.io import InputError
from featurelens.planning.plan import Plan

SETS = {"path": "sets.gmt"}


def compiled(folder, name, text):
    path = folder / f"{name}.gmt"
    path.write_text(text)
    collection = compile_collection(CollectionConfig(path=str(path)))
    return collection.sets, collection.terms


def test_both_namespaces_of_an_ontology_are_the_whole_of_it(tmp_path):
    (tmp_path / "tiny.obo").write_text(gene_ontology.OBO)
    (tmp_path / "tiny.gaf").write_text(gene_ontology.GAF)
    go = {"ontology": str(tmp_path / "tiny.obo"), "annotations": str(tmp_path / "tiny.gaf")}
    go |= {"propagate": "none", "min_level": 0}
    spaces = ("biological_process", "molecular_function")
    parts = {name: compile_collection(CollectionConfig(**go, namespace=name)) for name in spaces}
    whole = compile_collection(CollectionConfig(**go))
    union = unite({name: (part.sets, part.terms) for name, part in parts.items()})
    assert sorted(union.sets.rows) == sorted(whole.sets.rows)
    by_name = union.terms.set_index("term").sort_index()
    expected = whole.terms.set_index("term").sort_index()
    pd.testing.assert_frame_equal(by_name[list(TERM_COLUMNS[1:])], expected, check_dtype=False)
    # 5 terms with genes of their own below one root, 1 below the other (gene_ontology.py).
    assert union.terms["collection"].tolist() == [spaces[0]] * 5 + [spaces[1]]
    assert union.counts["n_sets_of_biological_process"] == 5
    assert union.counts["n_sets"] == 6


def test_a_set_in_several_is_kept_once_and_a_shared_name_is_told_apart(tmp_path):
    one = compiled(tmp_path, "one", "same\ta|x\tG1\tG2\nown\ta|x\tG3\nclash\ta|x\tG4\tG5\n")
    other = compiled(tmp_path, "other", "clash\tb|y\tG5\tG6\nsame\tb|y\tG2\tG1\n")
    union = unite({"one": one, "other": other})
    assert union.sets.rows == [
        ("same", "a|x", ("G1", "G2")),
        ("own", "a|x", ("G3",)),
        ("clash (one)", "a|x", ("G4", "G5")),
        ("clash (other)", "b|y", ("G5", "G6")),
    ]
    assert union.terms["term"].tolist() == list(union.sets.names)
    assert union.terms["n_genes"].tolist() == [2, 1, 2, 2]
    assert union.counts["n_sets_in_several"] == 1


def test_parts_are_annotated_within_their_union_unless_they_say_otherwise():
    collections = {
        "process": CollectionConfig(**SETS, datasets=("marrow", "brain")),
        "function": CollectionConfig(**SETS, annotate=True),
        "markers": CollectionConfig(**SETS),
        "go": CollectionConfig(union=("process", "function")),
        "never": CollectionConfig(**SETS, annotate=False),
    }
    assert annotated_with(collections, "marrow") == ["function", "markers", "go"]
    assert annotated_with(collections, "heart") == ["function", "markers"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"union": ("a",)}, "two or more"),
        ({"union": ("a", "a")}, "each once"),
        ({"union": ("a", "b"), "path": "x.gmt"}, "a union has no 'path'"),
        ({"union": ("a", "b"), "propagate": "none"}, "a union has no 'propagate'"),
    ],
)
def test_what_a_union_cannot_be(block, message):
    with pytest.raises(ValueError, match=message):
        CollectionConfig(**block)


def run_with(collections, **more):
    models = {"pca": {"kind": "pca", "n_components": 3}}
    cells = {"blood": {"cells": {"kind": "pbmc68k_reduced"}, "models": models}}
    sae = {"topk": {"architecture": "topk", "expansion": 4, "k": 5}}
    asked = {"run": "mine", "datasets": cells, "saes": sae, "collections": collections}
    return parse_config(asked | more)


def test_names_that_a_run_does_not_have_are_said():
    whole = {"both": {"union": ["mine", "yours"]}, "mine": SETS, "yours": SETS}
    with pytest.raises(InputError, match=r"'collections\.both\.union' names 'your', .*'yours'"):
        run_with(whole | {"both": {"union": ["mine", "your"]}})
    with pytest.raises(InputError, match=r"'collections\.more\.union' names 'both', a union too"):
        run_with(whole | {"more": {"union": ["mine", "both"]}})
    with pytest.raises(InputError, match=r"'gsea\.collection' is 'mine', .*by itself"):
        run_with(whole, gsea={"top": 1, "collection": "mine"})
    with pytest.raises(InputError, match=r"'controls\.collections' names 'mine'"):
        run_with(whole, controls={"kinds": ["random"], "collections": ["mine"]})


def test_a_run_plans_the_union_alone():
    collections = {"mine": SETS, "yours": SETS, "both": {"union": ["mine", "yours"]}}
    plan = Plan(run_with(collections, gsea={"top": 1}))
    assert list(map(str, plan.annotated)) == ["blood/pca/topk/both"]
    assert plan.followed == plan.annotated
    assert plan.unions == ["both"]


def test_what_stands_for_the_paper_is_of_the_run():
    whole = {"both": {"union": ["mine", "yours"]}, "mine": SETS, "yours": SETS}
    known = {"multidgd": "blood/pca/topk", "seeds": ["topk"], "collection": "both"}
    assert run_with(whole, paper=known).paper.known()["seeds"] == ("blood/pca/topk",)
    for key, name in (
        ("multidgd", "blood/pca/relu"),
        ("geneformer", "blood/scvi/topk"),
        ("seeds", ["seed0"]),
        ("collection", "mine"),
        ("trajectory", "way"),
    ):
        with pytest.raises(InputError, match=rf"'paper\.{key}' names '\S+', which this run lacks"):
            run_with(whole, paper={key: name})
