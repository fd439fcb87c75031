"""The look at the user's files while the workflow is read."""

import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.config.parse import parse_config
from featurelens.datasets.config import Pbmc68kReduced
from featurelens.datasets.readers import read_dataset, read_genes, read_labels, read_type_sizes
from featurelens.io import InputError
from featurelens.planning.early import check_early, named_files
from featurelens.planning.place import require_room
from featurelens.planning.plan import Plan


def run_of(folder, **more):
    return parse_config(
        {
            "run": "mine",
            "collections": {"mine": {"path": str(folder / "sets.gmt")}},
            "enrichment": {"universe": {"file": str(folder / "genes.txt")}},
        }
        | more
    )


def look(folder, *, dry=False, code="a", **more):
    return check_early(
        Plan(run_of(folder, **more)), dry=dry, code=lambda: code, seen=folder / "seen"
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sets.gmt").write_text("T cells\t\tCD3D\tCD3E\n")
    (tmp_path / "genes.txt").write_text("CD3D\nCD3E\n")
    return tmp_path


def test_files_are_named_by_their_keys(folder):
    assert list(named_files(run_of(folder, claims="claims.yaml"))) == [
        ("collections.mine.path", str(folder / "sets.gmt")),
        ("enrichment.universe.file", str(folder / "genes.txt")),
        ("claims", "claims.yaml"),
    ]


def test_an_absent_file_stops_a_run_and_is_a_note_of_a_plan(folder):
    (folder / "genes.txt").unlink()
    with pytest.raises(InputError, match=r"'enrichment.universe.file' names .*genes.txt'"):
        look(folder)
    [note] = look(folder, dry=True)
    assert "genes.txt" in note


def test_an_absent_file_hides_no_other_mistake(folder):
    (folder / "genes.txt").unlink()
    (folder / "sets.gmt").write_text("")
    with pytest.raises(InputError, match="is empty"):
        look(folder, dry=True)


def test_what_was_found_good_is_not_read_again_until_it_changes(folder, monkeypatch):
    assert look(folder) == []
    monkeypatch.setattr("featurelens.planning.inputs.find_inputs", None)
    assert look(folder) == []
    with pytest.raises(TypeError):
        look(folder, code="b")
    (folder / "genes.txt").write_text("CD3D\nCD3E\nCD8A\n")
    with pytest.raises(TypeError):
        look(folder)


def test_what_was_found_bad_is_found_bad_again(folder):
    (folder / "sets.gmt").write_text("")
    for _ in range(2):
        with pytest.raises(InputError, match="is empty"):
            look(folder)


def test_remarks_on_cells_are_said_every_time(folder, monkeypatch):
    anndata.AnnData(
        np.ones((40, 2), dtype=np.float32),
        obs=pd.DataFrame({"kind": [0, 1] * 20}, index=[f"c{i}" for i in range(40)]),
        var=pd.DataFrame(index=["GRCh38_CD3D", "GRCh38_CD3E"]),
        obsm={"X": np.arange(80.0).reshape(40, 2)},
    ).write_h5ad(folder / "cells.h5ad")
    cells = {"kind": "h5ad", "path": str(folder / "cells.h5ad"), "cell_type": "kind"}
    models = {"own": {"kind": "precomputed", "key": "X"}}
    asked = {
        "datasets": {"mine": {"cells": cells | {"trim_names": True}, "models": models}},
        "saes": {"relu": {"architecture": "relu", "expansion": 2}},
        "dge": {"expression": "measured"},
        "enrichment": {"min_genes": 2},
    }
    [line] = look(folder, **asked)
    assert "holds whole numbers 0 to 1" in line
    monkeypatch.setattr("featurelens.planning.inputs.find_inputs", None)
    assert look(folder, **asked) == [line]
    monkeypatch.undo()
    asked["datasets"]["mine"]["cells"] = cells
    with pytest.raises(InputError, match=r"common.* like 'GRCh38_CD3D'; trim_names: true reads"):
        look(folder, **asked)


def test_where_nothing_can_be_remembered_files_are_looked_at(folder):
    plan = Plan(run_of(folder))
    assert check_early(plan, dry=False, code=lambda: "a", seen=folder / "sets.gmt/seen") == []


def test_no_room_for_temporary_files_is_said(monkeypatch, tmp_path):
    """Every write to /dev/full fails as on a full disk."""
    require_room()
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda dir: full)
        with pytest.raises(InputError, match=r"written to .* \(No space left on device\)"):
            require_room()
    monkeypatch.undo()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"to .*gone \(No such file or directory\)"):
        require_room()


def test_shipped_cells_are_looked_at_without_scanpy():
    cells = read_dataset(Pbmc68kReduced(kind="pbmc68k_reduced"))
    genes = read_genes(Pbmc68kReduced(kind="pbmc68k_reduced"))
    assert genes.index.tolist() == cells.var.index.tolist()
    assert genes["symbol"].tolist() == cells.var["symbol"].tolist()
    labels = read_labels(Pbmc68kReduced(kind="pbmc68k_reduced"))
    assert labels["cell_type"].tolist() == cells.obs["cell_type"].tolist()
    sizes = read_type_sizes(Pbmc68kReduced(kind="pbmc68k_reduced"))
    assert list(sizes) == sorted(cells.obs["cell_type"].unique())
    assert sizes == cells.obs["cell_type"].value_counts().to_dict()


def test_the_look_loads_neither_torch_nor_scanpy():
    code = (
        "import sys, yaml; from pathlib import Path\n"
        "from featurelens.config.parse import parse_config\n"
        "from featurelens.planning.early import check_early\n"
        "from featurelens.planning.plan import Plan\n"
        "run = parse_config(yaml.safe_load(Path('config/config.yaml').read_text()))\n"
        "assert 'numpy' not in sys.modules\n"
        "check_early(Plan(run), dry=True, code=lambda: '', seen=Path('/dev/null/seen'))\n"
        "print(*sorted({'torch', 'scanpy', 'sklearn', 'numba', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_first_mistake_is_said_before_the_code_is_read(folder):
    # Reading all of the code takes half a second in a new clone.
    (folder / "sets.gmt").write_text("")
    asked = []
    with pytest.raises(InputError, match="is empty"):
        check_early(
            Plan(run_of(folder)),
            dry=True,
            code=lambda: asked.append("code") or "a",
            seen=folder / "seen",
        )
    assert asked == []
