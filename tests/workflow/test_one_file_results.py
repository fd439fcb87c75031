"""One file adds a thing: it is dropped into a clone, and its result is asked for."""

import pandas as pd
import pytest

from clones import copy_repository, run_snakemake, write_config

pytestmark = pytest.mark.workflow

WIDTHS = '''"""Widths of all points."""

import pandas as pd

SWEEPS = "sweeps"
INPUTS = ("trained_on",)
PARAMS = {"cells": "simulations/{source}/data/n_cells"}
OUTPUTS = {"table": "widths.tsv"}


def measure(points, store, *, trained_on, cells, log):
    log(f"{len(points)} points")
    rows = {"id": points["id"], "width": points["d_sae"], "inputs": trained_on.shape[1]}
    return pd.DataFrame(rows | {"cells": cells})
'''
WIDEST = '''"""**Widest.** The widest SAE of every sweep."""

from featurelens.tables.stacked import stack_named

INPUTS = {"widths": "sweeps/{sweeps}/widths.tsv"}
PARAMS = {"share": 0.5, "direction": "{concepts.direction}"}


def tabulate(widths, *, share, direction):
    assert direction == "up"
    widest = {name: table.nlargest(1, "width") for name, table in widths.items()}
    return stack_named(widest, "sweep").assign(half=lambda table: share * table["width"])
'''
CONFIG = {
    "run": "one",
    "simulations": {
        "zipf": {
            "data": {
                "kind": "zipf",
                "n_cells": 60,
                "n_features": 8,
                "n_dimensions": 4,
                "n_roots": 4,
            },
            "baselines": {"methods": []},
        }
    },
    "sweeps": {
        "wide": {
            "embedding": "zipf/observables",
            "grids": [{"architecture": "topk", "expansion": [2, 3], "k": 20, "epochs": 1}],
            "stack_by": ["architecture"],
        }
    },
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A clone with a measure and a table of its own, and the arguments that select its config."""
    folder = copy_repository(tmp_path_factory.mktemp("grown"))
    (folder / "src/featurelens/sweeps/measures/widths.py").write_text(WIDTHS)
    (folder / "src/featurelens/tables/widest.py").write_text(WIDEST)
    return folder, write_config(folder, CONFIG)


@pytest.fixture
def made(grown, monkeypatch):
    """Makes a result in that clone, with the library of the clone, and reads it."""
    folder, selection = grown
    monkeypatch.setenv("PYTHONPATH", str(folder / "src"))

    def make(path):
        options = (*selection, "--cores", "1", "--show-failed-logs")
        done = run_snakemake(folder, *options, "--", f"results/one/{path}")
        assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
        return pd.read_csv(folder / "results/one" / path, sep="\t")

    return make


def test_one_file_adds_a_measure(made):
    table = made("sweeps/wide/widths.tsv")
    assert sorted(table["width"]) == [8, 12]
    assert set(table["inputs"]) == {4}
    assert set(table["cells"]) == {60}


def test_one_file_adds_a_table(made):
    table = made("tables/widest.tsv")
    assert table[["sweep", "width", "half"]].to_numpy().tolist() == [["wide", 12, 6.0]]


def test_what_one_file_adds_is_part_of_the_run_and_of_the_report(grown):
    folder, selection = grown
    done = run_snakemake(folder, *selection, "-n", "--", "tables", "sweep_wide")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sweeps/wide/widths.tsv" in done.stdout
    assert "tables/widest.tsv" in done.stdout
    captions = folder / ".snakemake/featurelens/captions"
    assert (captions / "widest.rst").read_text().startswith("**Widest.**")
