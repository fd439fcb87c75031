"""Claims read by names, never by the place of a thing in a config."""

import json
from pathlib import Path

import yaml

from featurelens.claims.config import PaperNames
from featurelens.config.parse import parse_config

CONFIG = Path(__file__).parents[2] / "config"
BY_PLACE = ("position", "rank")
"""Columns that say which one of several comes first; the rank of a feature is a result."""
RESULTS = ("selected_features",)


def reads(value):
    """Every read in a claim, at any depth."""
    if isinstance(value, dict):
        if "table" in value:
            yield value
        for inner in value.values():
            yield from reads(inner)


def claims():
    return yaml.safe_load((CONFIG / "claims.yaml").read_text())["claims"]


def test_no_claim_reads_by_position():
    found = [
        (claim["number"], read["table"])
        for claim in claims()
        for read in reads(claim)
        if read["table"] not in RESULTS
        for column in [*read.get("where", {}), read.get("by"), read.get("along")]
        if column in BY_PLACE
    ]
    assert found == []


def test_what_several_saes_have_is_read_by_the_name_of_one():
    of_saes = ("table_S6", "local_features", "annotation", "feature_selection", "found_terms")
    for claim in claims():
        for read in reads(claim):
            if read["table"] in of_saes:
                assert "{" in str(read["where"]["sae"]), claim["number"]


def test_every_name_in_braces_is_one_that_a_config_gives():
    text = json.dumps(claims())
    names = PaperNames(
        multidgd="a/b/c", seeds=("c",), geneformer="a/d/c", collection="go", trajectory="way"
    ).known()
    asked = {part.split("}")[0] for part in text.split("{")[1:] if part[:1].isalpha()}
    assert asked <= set(names)


def test_the_shipped_runs_say_what_stands_for_the_paper():
    paper = parse_config(yaml.safe_load((CONFIG / "paper.yaml").read_text()))
    assert paper.paper.known() == {
        "multidgd": "bone-marrow/multidgd/seed0",
        "multidgd_embedding": "bone-marrow/multidgd",
        "geneformer": "bone-marrow/geneformer/seed0",
        "geneformer_embedding": "bone-marrow/geneformer",
        "dataset": "bone-marrow",
        "seeds": tuple(f"bone-marrow/multidgd/{name}" for name in ("seed0", "seed42", "seed9307")),
        "collection": "go",
        "trajectory": "erythropoiesis",
    }
    swept = {name for read in map(str, claims()) for name in paper.sweeps if name in read}
    assert {"small", "hierarchical", "hierarchical-latent20", "bone-marrow"} <= swept
    for read in (read for claim in claims() for read in reads(claim)):
        asked = read.get("where", {}).get("sweep", [])
        asked = [asked] if isinstance(asked, str) else asked
        assert set(asked) <= set(paper.sweeps), read
