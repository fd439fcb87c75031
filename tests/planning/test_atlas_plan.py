"""Which pages a small run makes, from what, and what it says that it lacks, by hand."""

import pytest

from featurelens.config.parse import parse_config
from featurelens.places import Place
from featurelens.planning.atlas import Atlas
from featurelens.planning.plan import Plan
from featurelens.planning.targets import Targets

CONFIG = {
    "run": "hand",
    "datasets": {
        "blood": {
            "cells": {"kind": "pbmc68k_reduced"},
            "models": {"pca": {"kind": "pca", "n_components": 20}},
        }
    },
    "saes": {"topk": {"architecture": "topk", "expansion": 5, "k": 10}},
    "collections": {"sets": {"path": "sets.gmt"}},
    "controls": {"kinds": ["pca", "untrained", "random"], "n_components": 5, "seeds": [1]},
    "gsea": {"top": 1},
}


@pytest.fixture(scope="module")
def plan():
    return Plan(parse_config(CONFIG))


def test_saes_and_the_first_control_of_every_kind_have_a_page(plan):
    names = [place.sae for place in Atlas(plan).pages]
    assert sorted(names) == ["control.pca", "topk", "topk.random", "topk.untrained"]
    assert names[0] == "topk"
    assert Targets(plan).atlas == [
        *(f"results/hand/atlas/blood/pca/{name}" for name in names),
        "results/hand/atlas/index.html",
    ]


def test_a_run_of_own_cells_asks_for_pages_of_its_saes_alone(plan):
    pages = [path for path in Targets(plan).scfeaturelens if "/atlas/" in path]
    assert pages == ["results/hand/atlas/blood/pca/topk"]


def test_files_of_an_sae_and_of_controls(plan):
    atlas = Atlas(plan)
    of_sae = atlas.files(Place("blood", "pca", "topk"))
    root = "results/hand"
    assert of_sae["weights"] == f"{root}/sae/blood/pca/topk/sae_weights.safetensors"
    assert of_sae["concepts/sets"] == f"{root}/concepts/blood/pca/topk/sets/concepts.h5ad"
    assert of_sae["gsea/sets"] == f"{root}/gsea/blood/pca/topk/sets/gsea.tsv"
    of_random = atlas.files(Place("blood", "pca", "topk.random"))
    # Random directions have weights and no training; controls no concepts, and global tests alone.
    assert "weights" in of_random
    assert {"health", "concepts/sets", "gsea/sets", "dge/within_type_corrected"} & set(
        of_random
    ) == set()
    assert "health" in atlas.files(Place("blood", "pca", "topk.untrained"))
    assert "weights" not in atlas.files(Place("blood", "pca", "control.pca"))


def test_what_a_run_lacks_is_said_with_a_remedy(plan):
    lacks = Atlas(plan).lacking(Place("blood", "pca", "topk"))
    assert (
        lacks["steering"] == "Steering: name an origin and a target under steering of the data set."
    )
    assert "gsea" not in lacks
    assert (
        "SAEs of a run alone" in Atlas(plan).lacking(Place("blood", "pca", "control.pca"))["gsea"]
    )
