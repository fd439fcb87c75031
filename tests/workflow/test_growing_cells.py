"""An SAE and a collection, or a data set, join the annotation of cells, and leave it again.

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
FIRST = "pbmc68k/pca/topk-x20/blood_families"
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


@pytest.fixture
def config(finished_copy):
    return of_one_embedding(yaml.safe_load((finished_copy / "config/config.yaml").read_text()))


@pytest.fixture
def come_and_go(finished_copy, config):
    """A function that grows the run by a config and takes that back; jobs, and what was added."""

    def grow(grown):
        folder = finished_copy
        assert run(folder, config).keys() <= {"tabulate_annotation", "check_inputs"}
        before, made = (folder / TABLE).read_bytes(), digests(folder)
        assert annotated(folder) == {FIRST}
        jobs = run(folder, grown)
        added = annotated(folder) - {FIRST}
        assert made.items() <= digests(folder).items()
        grown_files = digests(folder)
        assert run(folder, config).keys() <= {"tabulate_annotation", "check_inputs"}
        assert (folder / TABLE).read_bytes() == before
        assert digests(folder) == grown_files
        return jobs, added

    return grow


def enriched(jobs):
    """What gene sets were tested of, among the jobs of a plan."""
    return {name for rule in jobs if rule.startswith("enrich_") for name in jobs[rule]}


def test_an_sae_and_a_collection_come_and_go(config, come_and_go):
    grown = copy.deepcopy(config)
    grown["saes"]["narrow"] = grown["saes"]["topk-x20"] | {"expansion": 3}
    grown["collections"]["more"] = dict(grown["collections"]["blood_families"])
    jobs, added = come_and_go(grown)
    assert added == {
        *("pbmc68k/pca/topk-x20/more", "pbmc68k/pca/narrow/more"),
        "pbmc68k/pca/narrow/blood_families",
    }
    assert jobs["train_sae"] == {"pbmc68k/pca/narrow"}
    assert enriched(jobs) == added


def test_a_data_set_comes_and_goes(config, come_and_go):
    grown = copy.deepcopy(config)
    grown["datasets"]["again"] = copy.deepcopy(grown["datasets"]["pbmc68k"])
    jobs, added = come_and_go(grown)
    assert added == {"again/pca/topk-x20/blood_families"}
    assert jobs["prepare_cells"] == {"again"}
    assert jobs["embed_cells"] == {"again/pca"}
    assert jobs["train_sae"] == {"again/pca/topk-x20"}
    assert enriched(jobs) == added
