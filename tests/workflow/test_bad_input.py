"""A user's mistakes stop the run before anything is trained, with one line that helps."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from clones import PROFILE, run_snakemake, write_config

pytestmark = pytest.mark.workflow


def own_data(path="cells.h5ad", **model):
    """A configuration for a user's own cells, with a simulation that must not start."""
    return {
        "run": "mine",
        "simulations": {
            "small": {
                "data": {"kind": "small", "n_cells": 200, "n_validation": 20},
                "autoencoders": {"tiny": {"latent": 2, "depth": 1, "epochs": 2}},
            }
        },
        "datasets": {
            "mine": {
                "cells": {"kind": "h5ad", "path": path, "cell_type": "cell_type"},
                "models": {"mine": {"kind": "precomputed", "key": "X_model"} | model},
            }
        },
        "saes": {"relu": {"architecture": "relu", "expansion": 2, "epochs": 2}},
        "dge": {"expression": "measured"},
        "collections": {"families": {"path": "config/genesets/blood_families.gmt"}},
    }


@pytest.fixture
def cells():
    rng = np.random.default_rng(0)
    return anndata.AnnData(
        rng.poisson(1.0, (30, 5)).astype(np.float32),
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(["T", "B", "NK"] * 10)},
            index=[f"cell{i}" for i in range(30)],
        ),
        obsm={"X_model": rng.normal(size=(30, 4)).astype(np.float32)},
    )


def stops(folder, config, *parts, dry="stops"):
    """Run and plan, and assert that one line holds all parts and that nothing was computed.

    The line stands alone: no table of jobs before it, no traceback and no warning beside it. A file
    that is absent stops a run; a plan notes it and goes on.
    """
    chosen = write_config(folder, config)
    done = run_snakemake(folder, "--cores", "2", *chosen)
    assert done.returncode != 0
    _says_alone(done.stdout + done.stderr, parts)
    assert sorted(path.name for path in (folder / "results").glob("mine/*")) == []
    planned = run_snakemake(folder, "-n", *chosen)
    if dry == "notes":
        assert planned.returncode == 0
        assert "Job stats:" in planned.stdout
        _says_alone(planned.stderr.partition("Building DAG")[0], parts)
    else:
        assert planned.returncode != 0
        _says_alone(planned.stdout + planned.stderr, parts)


def _says_alone(text, parts):
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(PROFILE)]
    assert any(all(part in line for part in parts) for line in lines), text
    assert [line for line in lines if not line.startswith(("config: ", "error: ", "note: "))] == []


def test_a_typo_in_a_config_key(clone):
    stops(clone, own_data() | {"collection": {}}, "unknown key 'collection'", "'collections'?")


def test_an_unknown_architecture(clone):
    config = own_data()
    config["saes"]["relu"]["architecture"] = "rellu"
    stops(clone, config, "'saes.relu.architecture' is 'rellu'", "did you mean 'relu'?")


def test_a_number_written_as_text(clone):
    config = own_data()
    config["saes"]["relu"]["learning_rate"] = "1e-4"
    stops(clone, config, "'saes.relu.learning_rate' is '1e-4'", "write 0.0001")


def test_a_missing_gene_set_file(clone, cells):
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    config["collections"]["families"]["path"] = "gone.gmt"
    stops(clone, config, "collections.families.path", "gone.gmt", "correct the path", dry="notes")


def test_a_missing_file_of_cells(clone):
    stops(clone, own_data("gone.h5ad"), "datasets.mine.cells.path", "gone.h5ad", dry="notes")


def test_a_missing_column(clone, cells):
    cells.obs = cells.obs.rename(columns={"cell_type": "celltype"})
    cells.write_h5ad(clone / "cells.h5ad")
    stops(clone, own_data(), "cells.h5ad", "cell_type", "celltype")


def test_a_missing_embedding(clone, cells):
    cells.write_h5ad(clone / "cells.h5ad")
    stops(clone, own_data(key="X_modle"), "cells.h5ad", "X_modle", "X_model")


def test_a_steering_target_that_no_cell_has(clone, cells):
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    config["datasets"]["mine"]["steering"] = {"origin": "T", "target": "NKK"}
    stops(clone, config, "datasets.mine.steering.target", "'NKK'", "did you mean 'NK'?")


@pytest.mark.parametrize(
    ("steering", "expected"),
    [
        ({"target": "rare"}, ("mine.steering.target", "'rare'", "which 3 cells have")),
        ({"features": [7, 9999]}, ("mine.steering.features", "feature 9999", "0 to")),
        ({"features": [7, 7]}, ("steering", "one feature twice")),
        ({"trajectory": "ripning"}, ("steering.trajectory", "did you mean 'ripening'?")),
        ({"donor": "patient"}, ("cells.h5ad", "obs has no 'patient'")),
        ({"n_controls": 50}, ("steering.n_controls", "200")),
        ({"operation": "erase"}, ("steering.operation", "'ablate'")),
    ],
)
def test_steering_that_cannot_be(clone, cells, steering, expected):
    labels = cells.obs["cell_type"].astype(str).to_numpy()
    labels[:3] = "rare"
    cells.obs["cell_type"] = labels
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    mine = config["datasets"]["mine"]
    mine["trajectories"] = {"ripening": {"stages": ["T", "NK"]}}
    mine["steering"] = {"origin": "T", "target": "NK"} | steering
    stops(clone, config, *expected)


@pytest.mark.parametrize(
    ("trajectory", "expected"),
    [
        ({"stages": ["T", "NKK"]}, ("stages[1]", "'NKK'", "did you mean 'NK'?")),
        ({"stages": ["T", "NK"], "contrast": ["B", "C"]}, ("contrast[1]", "'C'")),
        ({"stages": ["T", "T"]}, ("ripening", "'T' twice")),
        ({"stages": ["T"]}, ("stages", "at least 2")),
        ({"stages": ["T", "B", "NK"]}, ("stages", "all cell types", "leave a stage out")),
    ],
)
def test_a_trajectory_that_these_cells_do_not_have(clone, cells, trajectory, expected):
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    config["datasets"]["mine"]["trajectories"] = {"ripening": trajectory}
    stops(clone, config, "datasets.mine.trajectories.ripening", *expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"column": "conditon"}, ("own.column", "'conditon'", "did you mean 'condition'?")),
        ({"second": "il"}, ("own.second", "'il'", "did you mean 'ill'?")),
        ({"sample": "patient"}, ("own.sample", "'patient'", "cells.h5ad")),
        ({"only": {"cell_type": "C"}}, ("own.only.cell_type", "'C'")),
        ({"second": "well"}, ("own", "both 'well'")),
    ],
)
def test_a_comparison_of_groups_that_these_cells_do_not_have(clone, cells, change, expected):
    cells.obs["condition"] = ["well", "ill"] * 15
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    comparison = {"column": "condition", "first": "well", "second": "ill"} | change
    config["datasets"]["mine"]["comparisons"] = {"own": comparison}
    stops(clone, config, "datasets.mine.comparisons.", *expected)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"cell_type": "NKK"}, ("high_low[0].cell_type", "'NKK'", "did you mean 'NK'?")),
        ({"cell_type": "T", "features": [8]}, ("high_low[0].features", "feature 8", "0 to 7")),
        ({"cell_type": "T", "modality": "atac"}, ("high_low[0].modality", "'atac'", "beside")),
        ({"cell_type": "T", "features": "steered"}, ("high_low[0].features", "steering", "add it")),
    ],
)
def test_high_and_low_cells_that_cannot_be_had(clone, cells, asked, expected):
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    config["datasets"]["mine"]["high_low"] = [asked]
    stops(clone, config, "datasets.mine.", *expected)


def test_a_stage_of_too_few_cells(clone, cells):
    labels = cells.obs["cell_type"].astype(str).to_numpy()
    labels[:3] = "rare"
    cells.obs["cell_type"] = labels
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    config["datasets"]["mine"]["trajectories"] = {"ripening": {"stages": ["T", "rare"]}}
    stops(clone, config, "ripening.stages[1]", "'rare'", "3 cells", "leave it out")


def test_duplicate_cell_names(clone, cells):
    cells.write_h5ad(clone / "cells.h5ad")
    with h5py.File(clone / "cells.h5ad", "r+") as file:
        file["obs/_index"][7] = "cell3"
    stops(clone, own_data(), "cells.h5ad", "'cell3'", "unique")


def test_a_value_in_the_embedding_that_is_no_number(clone, cells):
    cells.obsm["X_model"][4, 1] = np.nan
    cells.write_h5ad(clone / "cells.h5ad")
    stops(clone, own_data(), "cells.h5ad", "X_model", "cell4")


def test_counts_that_are_no_counts(clone, cells):
    cells.X[2, 1] = 0.5
    cells.write_h5ad(clone / "cells.h5ad")
    stops(clone, own_data(), "cells.h5ad", "integer")


def negative_count(cells):
    cells.X[2, 1] = -1


def no_type(cells):
    cells.obs["cell_type"] = cells.obs["cell_type"].cat.remove_categories(["B"])


def constant_embedding(cells):
    cells.obsm["X_model"][:] = 1


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (negative_count, ["X must hold raw counts", "-1 in cell 'cell2'", "is negative"]),
        (no_type, ["'cell1' has no cell_type (10 such cells)", "fill in"]),
        (constant_embedding, ["X_model", "is the same in all 30 cells"]),
    ],
)
def test_cells_that_cannot_be_used(clone, cells, spoil, parts):
    spoil(cells)
    cells.write_h5ad(clone / "cells.h5ad")
    stops(clone, own_data(), "cells.h5ad", *parts)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("sets.gmt", "", ["sets.gmt", "is empty"]),
        ("go.obo", "<!DOCTYPE html>\n<html><body>Moved</body></html>\n", ["go.obo", "web page"]),
        ("sets.gmt", "T cells\t\tCd3e\tCd3d\tCd8a\n", ["Cd3d", "GENE1", "mouse"]),
    ],
    ids=["empty", "web page", "another species"],
)
def test_gene_sets_that_cannot_be_used(clone, cells, name, content, parts):
    cells.var_names = [f"GENE{i}" for i in range(cells.n_vars)]
    cells.write_h5ad(clone / "cells.h5ad")
    (clone / name).write_text(content)
    (clone / "genes.gaf").write_text("!gaf-version: 2.2\n")
    config = own_data()
    config["collections"]["families"] = (
        {"ontology": name, "annotations": "genes.gaf"} if name == "go.obo" else {"path": name}
    )
    stops(clone, config, *parts)


def test_a_value_of_a_grid_that_no_sae_could_have(clone):
    config = own_data()
    config["sweeps"] = {
        "small": {
            "embedding": "small/tiny",
            "grids": [{"architecture": "topk", "expansion": 2, "k": 150}],
        }
    }
    stops(clone, config, "'sweeps.small.grids[0].k' is 150", "less than or equal to 100")


def test_a_file_that_was_made_good_is_looked_at_again(clone, cells):
    (clone / "sets.gmt").write_text("")
    cells.write_h5ad(clone / "cells.h5ad")
    config = own_data()
    config["collections"]["families"]["path"] = "sets.gmt"
    stops(clone, config, "sets.gmt", "is empty")
    cells.var_names = ["CD3D", "CD3E", "CD8A", "MS4A1", "CD79A"]
    cells.write_h5ad(clone / "cells.h5ad")
    (clone / "sets.gmt").write_text("T cells\t\tCD3D\tCD3E\tCD8A\n")
    for _ in range(2):
        planned = run_snakemake(clone, "-n", *write_config(clone, config))
        assert planned.returncode == 0, planned.stdout + planned.stderr
        assert "Warning" not in planned.stderr
    (clone / "sets.gmt").write_text("")
    stops(clone, config, "sets.gmt", "is empty")


@pytest.mark.parametrize("look", ["--summary", "--unlock"])
def test_who_computes_nothing_is_not_stopped_by_a_file(clone, look):
    (clone / "cells.h5ad").write_text("no HDF5")
    done = run_snakemake(clone, look, *write_config(clone, own_data()))
    assert done.returncode == 0, done.stdout + done.stderr
