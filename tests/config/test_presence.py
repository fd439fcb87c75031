"""Optional datasets leave a run that lacks their file; packages are asked for at its start."""

import sys
from pathlib import Path

import pytest
import yaml

from featurelens.config.parse import parse_config
from featurelens.config.presence import leave_out_absent
from featurelens.io import InputError
from featurelens.options import as_plain
from featurelens.planning.inputs import check_packages

LAPTOP = Path(__file__).parents[2] / "config/laptop.yaml"
FILE = "resources/pbmc_facs.h5ad"


@pytest.fixture
def laptop():
    return yaml.safe_load(LAPTOP.read_text())


def nothing(path):
    """Whether a path exists, where none does."""
    return False


def test_with_its_file_an_optional_dataset_is_as_any_other(laptop):
    run = parse_config(laptop)
    assert leave_out_absent(run, [FILE].__contains__) == (run, [])


def test_without_its_file_nothing_that_is_made_of_it_is_left(laptop):
    laptop["collections"]["blood_families"]["datasets"] = ["facs"]
    laptop["controls"] = {"kinds": ["pca"], "embeddings": ["facs/nmf"]}
    left, lines = leave_out_absent(parse_config(laptop), nothing)
    # The same config as one would write it without these cells.
    for part in ("datasets", "collections", "controls", "paper"):
        laptop.pop(part)
    for name in ("facs-nmf", "facs-scvi"):
        del laptop["sweeps"][name]
    expected = as_plain(parse_config(laptop))
    found = as_plain(left)
    assert found["collections"].pop("blood_families")["datasets"] == []
    assert found.pop("controls")["embeddings"] == []
    expected.pop("controls")
    assert found == expected
    assert lines == [
        "left out of this run: 'datasets.facs', 'sweeps.facs-nmf', 'sweeps.facs-scvi'; the file "
        f"'{FILE}' of this optional dataset is not there"
    ]


def test_other_datasets_stay(laptop):
    other = laptop["datasets"]["facs"] | {"optional": False}
    laptop["datasets"]["other"] = other
    laptop["collections"]["blood_families"]["datasets"] = ["facs", "other"]
    laptop["controls"] = {"kinds": ["pca"], "embeddings": ["facs/nmf", "other/scvi"]}
    left, lines = leave_out_absent(parse_config(laptop), nothing)
    assert list(left.datasets) == ["other"]
    assert left.collections["blood_families"].datasets == ("other",)
    assert left.controls.embeddings == ("other/scvi",)
    assert len(lines) == 1


def test_a_file_that_the_run_downloads_counts_as_there(laptop):
    laptop["downloads"] = {"facs": {"url": "https://example.org/pbmc_facs.h5ad", "path": FILE}}
    run = parse_config(laptop)
    assert leave_out_absent(run, nothing) == (run, [])


def test_cells_without_a_file_cannot_be_optional(laptop):
    laptop["datasets"]["facs"]["cells"] = {"kind": "pbmc68k_reduced"}
    with pytest.raises(InputError, match=r"'datasets.facs.optional' is true, but pbmc68k_reduced"):
        parse_config(laptop)


GENEFORMER = {
    "kind": "geneformer", "variant": "V1", "folder": "f", "tokens": "t.pkl", "medians": "m.pkl",
    "surrogate": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("module", "model", "parts"),
    [
        ("scvi", {"kind": "scvi"}, ["package scvi-tools", "pip install '.[scvi]'"]),
        ("transformers", GENEFORMER, ["package transformers", "pip install '.[geneformer]'"]),
    ],
)
def test_a_package_that_is_not_installed(laptop, monkeypatch, module, model, parts):
    laptop["datasets"]["facs"]["models"]["scvi"] = model
    plain = as_plain(parse_config(laptop))["datasets"]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError) as caught:
        check_packages(plain, ["facs/nmf", "facs/scvi"])
    [line] = str(caught.value).splitlines()
    for part in ("'datasets.facs.models.scvi' needs the", *parts, "or go without: take the model"):
        assert part in line


def test_a_saved_model_needs_no_package(laptop, monkeypatch):
    laptop["datasets"]["facs"]["models"]["scvi"] = {"kind": "scvi", "checkpoint": "model.pt"}
    monkeypatch.setitem(sys.modules, "scvi", None)
    check_packages(as_plain(parse_config(laptop))["datasets"], ["facs/scvi"])


def test_a_model_that_is_not_run_needs_no_package(laptop, monkeypatch):
    monkeypatch.setitem(sys.modules, "scvi", None)
    check_packages(as_plain(parse_config(laptop))["datasets"], ["facs/nmf"])
