"""The default run with everything made small: every stage, seconds instead of minutes.

It is run once, whichever worker of pytest asks first, and read by every test that needs a finished
run; a test that changes something takes a copy.
"""

import copy
import fcntl
import os
import shutil
from pathlib import Path

import yaml

from clones import ROOT, copy_repository, run_snakemake

SANDBOX = Path(__file__).with_name("sandbox")


def shrink(demo):
    """A copy of the default configuration that ends in about a minute."""
    config = copy.deepcopy(demo)
    small, hierarchical = config["simulations"]["small"], config["simulations"]["hierarchical"]
    small["data"] |= {"n_cells": 600, "n_validation": 100}
    small["autoencoders"]["latent4"]["epochs"] = 400
    hierarchical["data"] |= {"n_cells": 400, "n_genes": 120, "n_programs": 10, "n_cell_types": 4}
    kept = ("latent4-depth2-narrow", "latent20-depth2-wide")
    hierarchical["autoencoders"] = {
        name: hierarchical["autoencoders"][name] | {"epochs": 30} for name in kept
    }
    hierarchical["baselines"]["n_components"] = 8
    for sweep in config["sweeps"].values():
        for grid in sweep["grids"]:
            grid |= {"expansion": [2, 10], "l1": [0.001], "k": [20], "epochs": 5}
    config["sweeps"]["small"]["grids"][0]["learning_rate"] = [0.001, 0.0001]
    config["sweeps"]["hierarchical"]["structure"] = {
        "select": {"architecture": "relu", "expansion": 10},
        "n_permutations": 2,
    }
    config["datasets"]["pbmc68k"]["models"]["poisson_nmf"] |= {"n_components": 8, "iterations": 60}
    config["saes"]["topk-x20"] |= {"expansion": 5, "epochs": 40}
    config["enrichment"]["n_permutations"] = 2
    config["controls"] |= {"kinds": ["random", "nmf"], "seeds": [1], "n_components": 4}
    config["controls"]["n_permutations"] = 2
    return config


def finished_miniature(tmp_path_factory):
    """A clone whose default config is the miniature, after one complete run: one for all workers.

    Every job saw only what it declares (``sandbox/sitecustomize.py``); its record lies in
    ``sandboxes``. Nothing in the clone may be changed; :func:`copy_finished` gives a copy.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, outcome = shared / "study", shared / "study.log"
    with (shared / "study.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not outcome.exists():
            outcome.write_text(_run(folder))
    assert outcome.read_text() == "", outcome.read_text()[-8000:]
    return folder


def copy_finished(finished, folder):
    """A copy of a finished clone in which Snakemake finds nothing to do either."""
    shutil.copytree(finished, folder, symlinks=True, dirs_exist_ok=True)
    return folder


def _run(folder):
    """Make the miniature; what Snakemake printed where it failed, "" where it did not."""
    folder.mkdir()
    copy_repository(folder)
    demo = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    (folder / "config/config.yaml").write_text(yaml.safe_dump(shrink(demo), sort_keys=False))
    (folder / "sandboxes").mkdir()
    environment = {
        "FEATURELENS_SANDBOX": str(folder / "sandboxes"),
        "PYTHONPATH": os.pathsep.join([str(SANDBOX), os.environ.get("PYTHONPATH", "")]),
    }
    arguments = ("--cores", "2", "--show-failed-logs")
    done = run_snakemake(folder, *arguments, environment=environment)
    return "" if done.returncode == 0 else done.stdout + done.stderr + "\nfailed"
