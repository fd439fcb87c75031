"""A run as a Workflow Run RO-Crate, written by the package rocrate and judged by roc-validator."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from featurelens.crate import main, write_crate
from featurelens.io import InputError

PROFILE = "workflow-run-crate-0.5"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"


@pytest.fixture
def repository(tmp_path):
    """A clone with a finished run, as small as it can be."""
    run = tmp_path / "results/demo"
    for folder in ("logs/train_sae", "tables"):
        (run / folder).mkdir(parents=True)
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text("rule all: input: []\n")
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n")
    (run / "config.yaml").write_text(
        "saes:\n  topk:\n    seed: 7\n    k: 3\ncontrols: {seeds: [1]}\n"
    )
    (run / "inputs.tsv").write_text("key\tpath\tsha256\tfound\nclaims\tmine.yaml\tabc\t2 claims\n")
    (run / "versions.tsv").write_text("package\tversion\npython\t3.11.7\n")
    (run / "logs/train_sae/a.log").write_text("done\nmade on: A processor, A card\ntook 1.0 s\n")
    (run / "tables/saes.tsv").write_text("sae\ttopk\n")
    return tmp_path


def test_a_run_that_is_not_finished(tmp_path, monkeypatch, capsys):
    with pytest.raises(InputError, match=r"config.yaml: no such file; finish the run first"):
        write_crate("results/demo", tmp_path / "a.zip", root=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["results/demo", "a.zip"]) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.fixture
def crate(repository, tmp_path):
    """Its crate, unpacked, and the entities by name."""
    pytest.importorskip("rocrate")
    write_crate("results/demo", tmp_path / "demo.zip", root=repository)
    folder = tmp_path / "crate"
    with zipfile.ZipFile(tmp_path / "demo.zip") as archive:
        archive.extractall(folder)
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    return folder, {entity["@id"]: entity for entity in graph}


@pytest.mark.oracle
def test_results_lie_where_the_workflow_looks_for_them(crate):
    folder, entities = crate
    table = "results/demo/tables/saes.tsv"
    assert (folder / table).read_text() == "sae\ttopk\n"
    assert entities[table]["sha256"] == hashlib.sha256(b"sae\ttopk\n").hexdigest()
    assert {"@id": table} in entities["#run"]["result"]


@pytest.mark.oracle
def test_config_inputs_seeds_software_and_machine_are_named(crate):
    _, entities = crate
    run = entities["#run"]
    assert run["instrument"] == {"@id": "workflow/Snakefile"}
    objects = [entities[part["@id"]] for part in run["object"]]
    assert [part["@id"] for part in objects] == [
        "results/demo/config.yaml",
        "#input-claims",
        "#saes.topk.seed",
        "#controls.seeds",
    ]
    assert (objects[1]["name"], objects[1]["sha256"]) == ("mine.yaml", "abc")
    assert [part["value"] for part in objects[2:]] == ["7", "[1]"]
    around = [entities[part["@id"]] for part in run["environment"]]
    assert [(part["name"], part["value"]) for part in around] == [
        ("machine", "A processor, A card"),
        ("python", "3.11.7"),
    ]


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_validator_finds_nothing_that_the_profile_requires(crate, monkeypatch):
    """Without a network: the one context is the copy that rocrate carries."""
    services = pytest.importorskip("rocrate_validator.services")
    import rdflib.parser
    import rocrate
    from rocrate_validator.models import Severity

    known = (Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_bytes()

    def answer(request):
        assert request.full_url == CONTEXT
        found = io.BytesIO(known)
        found.headers = {"Content-Type": "application/ld+json"}
        found.info = lambda: found.headers
        found.url, found.geturl = CONTEXT, lambda: CONTEXT
        return found

    monkeypatch.setattr(rdflib.parser, "_urlopen", answer)
    settings = {"rocrate_uri": str(crate[0]), "profile_identifier": PROFILE}
    result = services.validate(
        settings | {"requirement_severity": Severity.REQUIRED, "abort_on_first": False}
    )
    # Of the context it is also asked whether it can be fetched.
    issues = [issue for issue in result.get_issues() if CONTEXT not in (issue.message or "")]
    issues = [issue for issue in issues if "/ro/crate/1.1/context" not in issue.message]
    assert [issue.message for issue in issues] == []
