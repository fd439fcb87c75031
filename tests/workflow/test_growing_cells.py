"""An SAE and a collection join the annotation of cells, and leave it again.

All that was made keeps its bytes and its date, the table holds what is new, and afterwards it is
the table of before, though files of what left are still there.
"""

import copy
import hashlib

import pandas as pd
import pytest
import yaml

from clones import run_snakemake, write_config
from dry_runs import planned

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.xdist_group("miniature")]

TABLE = "results/demo/tables/annotation.tsv"
MADE = ("embeddings", "sae", "dge", "enrichment", "genesets")


def of_one_embedding(config):
    """The part of the miniature that annotates the features of one embedding."""
    kept = ("run", "datasets", "saes", "collections", "dge", "enrichment")
    part = copy.deepcopy({key: config[key] for key in kept})
    models = part["datasets"]["pbmc68k"]["models"]
    part["datasets"]["pbmc68k"]["models"] = {"pca": models["pca"]}
    return part


def run(folder, config):
    """Make the table; the jobs that were planned for it."""
    selection = write_config(folder, config)
    jobs = planned(folder, TABLE, *selection)
    done = run_snakemake(folder, TABLE, "--cores", "1", "--show-failed-logs", *selection)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    return jobs


def digests(folder):
    """Hash of every file that jobs made before tables, and when it was written."""
    return {
        path.relative_to(folder): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for part in MADE
        for path in (folder / "results/demo" / part).rglob("*")
        if path.is_file()
    }


def annotated(folder):
    return set(pd.read_csv(folder / TABLE, sep="\t")["sae"])


def test_an_sae_and_a_collection_come_and_go(finished_copy):
    folder = finished_copy
    config = of_one_embedding(yaml.safe_load((folder / "config/config.yaml").read_text()))
    assert run(folder, config).keys() <= {"tabulate_annotation", "check_inputs"}
    before, made = (folder / TABLE).read_bytes(), digests(folder)
    first = "pbmc68k/pca/topk-x20/blood_families"
    assert annotated(folder) == {first}

    grown = copy.deepcopy(config)
    grown["saes"]["narrow"] = grown["saes"]["topk-x20"] | {"expansion": 3}
    grown["collections"]["more"] = dict(grown["collections"]["blood_families"])
    jobs = run(folder, grown)
    new = {
        *("pbmc68k/pca/topk-x20/more", "pbmc68k/pca/narrow/more"),
        "pbmc68k/pca/narrow/blood_families",
    }
    assert jobs["train_sae"] == {"pbmc68k/pca/narrow"}
    assert {name for rule in jobs if rule.startswith("enrich_") for name in jobs[rule]} == new
    assert annotated(folder) == {first, *new}
    assert made.items() <= digests(folder).items()

    grown_files = digests(folder)
    assert run(folder, config).keys() <= {"tabulate_annotation", "check_inputs"}
    assert (folder / TABLE).read_bytes() == before
    assert digests(folder) == grown_files
