"""A sweep whose points are all trained by one job grows and shrinks by one value of every axis.

The hardest stacks for what is trained already: every new point joins the job that trained the old.
"""

import copy
import hashlib
import json

import pandas as pd
import pytest

from clones import copy_repository, run_snakemake, write_config

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("growth")]

CONFIG = {
    "run": "growth",
    "simulations": {
        "zipf": {
            "data": {"kind": "zipf", "n_cells": 300, "n_features": 24, "n_dimensions": 4},
            "baselines": {"methods": ["pca"], "n_components": 2},
        }
    },
    "sweeps": {
        "zipf": {
            "embedding": "zipf/observables",
            "stack_by": ["learning_rate"],
            "grids": [
                {
                    "architecture": ["relu", "topk"],
                    "expansion": [2],
                    "l1": [0.01],
                    "k": [20],
                    "learning_rate": 0.001,
                    "epochs": 2,
                    "seed": [0],
                }
            ],
        }
    },
}
SWEEP = "results/growth/sweeps/zipf"
TARGETS = (f"{SWEEP}/points.parquet", f"{SWEEP}/recovery.parquet", f"{SWEEP}/index.tsv")
TRAINED = 2
"""One point of each architecture."""
AXES = {
    # A value that is new, and how many points it adds to the two.
    "expansion": (3, 2),
    "l1": (0.1, 1),  # relu alone has a penalty
    "k": (50, 1),  # topk alone
    "seed": (1, 2),
    "architecture": ("batchtopk", 1),
}


def with_one_more(axis):
    config = copy.deepcopy(CONFIG)
    config["sweeps"]["zipf"]["grids"][0][axis].append(AXES[axis][0])
    return config


def run(folder, config):
    """Make the tables of the sweep; what the job that trains said in its log."""
    done = run_snakemake(folder, *TARGETS, "--cores", "1", *write_config(folder, config))
    assert done.returncode == 0, done.stdout + done.stderr
    [log] = folder.glob("results/growth/logs/train_stack/zipf/*.log")
    return log.read_text()


def files(folder):
    """Hash and time of every file of the store, but for its list of points."""
    return {
        path.relative_to(folder): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in (folder / SWEEP / "store").rglob("*")
        if path.is_file() and path.name != "points.jsonl"
    }


def lines(folder):
    """Points of the store's list, one for each training."""
    [path] = (folder / SWEEP / "store").rglob("points.jsonl")
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def table(folder, name):
    return pd.read_parquet(folder / SWEEP / name).set_index("id")


def texts(folder):
    return [(folder / target).read_bytes() for target in TARGETS]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A clone in which the sweep was run, and what it left."""
    folder = copy_repository(tmp_path_factory.mktemp("growing"))
    run(folder, CONFIG)
    assert len(lines(folder)) == TRAINED
    return folder, files(folder), texts(folder)


@pytest.mark.parametrize(
    "axis",
    ["architecture", *(pytest.param(axis, marks=pytest.mark.slow) for axis in [*AXES][:-1])],
)
def test_one_more_value_trains_its_points_alone_and_one_less_none(trained, axis):
    """The store is shared by all axes, as in a sweep that is changed again and again."""
    folder, first, before = trained
    points, recovery = (table(folder, name) for name in ("points.parquet", "recovery.parquet"))
    earlier = lines(folder)
    n_new = AXES[axis][1]

    log = run(folder, with_one_more(axis))
    assert f"{TRAINED} of {TRAINED + n_new} points are already in" in log
    ids = lines(folder)
    assert ids[: len(earlier)] == earlier
    assert len(ids) == len(earlier) + n_new
    grown = table(folder, "points.parquet")
    assert set(grown.index) == {*points.index, *ids[len(earlier) :]}
    assert AXES[axis][0] in set(grown[axis])
    pd.testing.assert_frame_equal(grown.loc[points.index], points)
    measured = table(folder, "recovery.parquet")
    assert set(measured.index) == set(grown.index)
    pd.testing.assert_frame_equal(measured[measured.index.isin(recovery.index)], recovery)
    assert first.items() <= files(folder).items()

    log = run(folder, CONFIG)
    assert f"{TRAINED} of {TRAINED} points are already in" in log
    assert lines(folder) == ids
    assert texts(folder) == before
    assert first.items() <= files(folder).items()
    done = run_snakemake(folder, "-n", *TARGETS, *write_config(folder, CONFIG))
    assert "Nothing to be done" in done.stdout + done.stderr
