"""A finished run grows by a point of every sweep, an SAE, a data set and a collection, and back.

All that was made stays as it is, tables hold what is new, and when it is taken out of the config
again, tables and figures are those of before, though its files are still there.
"""

import copy
import hashlib

import pandas as pd
import pytest
import yaml

from clones import run_snakemake
from dry_runs import planned
from miniature import copy_finished

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.xdist_group("miniature")]

KEPT = ("simulation", "autoencoder", "embeddings", "sae", "dge", "enrichment", "genesets")
"""Folders of what nothing new may touch."""
SHOWN = ("tables", "figures")


def grow(config):
    """The config with one more of everything."""
    grown = copy.deepcopy(config)
    for name, grid in ((name, sweep["grids"][0]) for name, sweep in grown["sweeps"].items()):
        grid["expansion"].append(3)
        grid["l1"].append(0.01)
        if name == "small":
            grid["k"].append(50)
            grid["seed"].append(2)
            grid["architecture"].append("batchtopk")
    grown["saes"]["narrow"] = grown["saes"]["topk-x20"] | {"expansion": 3}
    grown["datasets"]["more"] = {
        "cells": {"kind": "pbmc68k_reduced"},
        "models": {"pca": {"kind": "pca", "n_components": 6}},
    }
    grown["collections"]["more"] = dict(grown["collections"]["blood_families"])
    return grown


def run(folder, config):
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    jobs = planned(folder)
    done = run_snakemake(folder, "--cores", "2", "--show-failed-logs")
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    assert "Nothing to be done" in run_snakemake(folder, "-n").stdout
    return jobs


def digests(folder, parts, pattern="*"):
    """Hash of every file below some folders of the results, and when it was written."""
    results = folder / "results/demo"
    return {
        path.relative_to(results): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for part in parts
        for path in (results / part).rglob(pattern)
        if path.is_file()
    }


def weights(folder):
    """Weights and loss curves of every point of every sweep."""
    stores = [f"sweeps/{path.name}/store" for path in (folder / "results/demo/sweeps").iterdir()]
    found = digests(folder, stores)
    return {path: digest for path, digest in found.items() if path.suffix != ".jsonl"}


def shown(folder):
    """Hashes of tables, and of pictures as pixels, whenever they were written."""
    found = digests(folder, SHOWN, "*.tsv") | digests(folder, SHOWN, "*.png")
    return {path: digest for path, (digest, _) in found.items()}


def points(folder, sweep):
    return pd.read_parquet(folder / f"results/demo/sweeps/{sweep}/points.parquet").set_index("id")


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory):
    """A copy of the finished miniature, which the tests change in their order."""
    return copy_finished(finished, tmp_path_factory.mktemp("growth"))


def test_a_run_grows_and_shrinks_and_keeps_what_it_has(study):
    config = yaml.safe_load((study / "config/config.yaml").read_text())
    kept, trained, before = digests(study, KEPT), weights(study), shown(study)
    sweeps = {name: points(study, name) for name in config["sweeps"]}

    jobs = run(study, grow(config))
    assert not jobs.keys() & {"simulate", "train_autoencoder"}
    assert jobs["embed_cells"] == {"more/pca"}
    assert {name.split("/")[2] for name in jobs["train_sae"] if not name.startswith("more/")} == {
        *("narrow", "narrow.seed1")
    }
    assert kept.items() <= digests(study, KEPT).items()
    assert trained.items() <= weights(study).items()
    for name, table in sweeps.items():
        grown = points(study, name)
        assert len(grown) > len(table)
        pd.testing.assert_frame_equal(grown.loc[table.index], table)
    annotation = pd.read_csv(study / "results/demo/tables/annotation.tsv", sep="\t")
    named = {tuple(name.split("/")) for name in annotation["sae"]}
    assert {name[0] for name in named} == {"pbmc68k", "more"}
    assert {name[2] for name in named} >= {"topk-x20", "narrow"}
    assert {name[3] for name in named} == {"blood_families", "more"}

    lines = {
        path: path.read_bytes() for path in study.glob("results/demo/sweeps/*/store/*/*.jsonl")
    }
    jobs = run(study, config)
    assert not jobs.keys() & {"simulate", "train_autoencoder", "embed_cells", "train_sae"}
    assert all(path.read_bytes() == text for path, text in lines.items())
    assert kept.items() <= digests(study, KEPT).items()
    assert trained.items() <= weights(study).items()
    after = shown(study)
    # Tables and maps of single SAEs that are no longer asked for stay on the disk.
    assert {path: after[path] for path in before} == before
    assert {path.parts[:2] for path in after.keys() - before.keys()} <= {
        *(("tables", "features"), ("figures", "features"), ("figures", "gsea"))
    }
