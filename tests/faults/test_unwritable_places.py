"""Places that cannot be written: one line says so, and what is finished is kept."""

import pytest

from broken_places import change, read_only, small_disk, used
from clones import PROFILE, copy_repository, run_snakemake, write_config
from featurelens.checksums import checksums, differences
from made_cells import cellxgene

pytestmark = pytest.mark.workflow

SETS = "results/demo/genesets/blood_families/terms.tsv"
STEPS = 25
"""Sizes of the disk between one that holds the clone and one that holds all."""


def lines_of(done):
    text = done.stdout + done.stderr
    return [line for line in text.splitlines() if line.strip() and not line.startswith(PROFILE)]


def own_cells(folder):
    """A run on cells of one's own, through every stage that they have."""
    cellxgene(folder / "my.h5ad")
    config = {
        "run": "mine",
        "datasets": {
            "mine": {
                "cells": {"path": "my.h5ad"},
                "models": {"scVI": {"key": "X_scVI"}},
            }
        },
        "saes": {"topk": {"architecture": "topk", "expansion": 4, "k": 25, "epochs": 40}},
        "dge": {"expression": "measured", "high_percentile": 90, "min_cells": 10},
        "enrichment": {"n_permutations": 2},
        "collections": {"families": {"path": "config/genesets/blood_families.gmt"}},
    }
    return write_config(folder, config)


def test_results_that_cannot_be_written_are_one_line(clone):
    with read_only(clone / "results") as results:
        done = run_snakemake(clone, "--cores", "1", SETS)
        assert done.returncode == 1
        [line] = lines_of(done)
        assert line.startswith("error: results/demo cannot be made: ")
        assert "(Read-only file system); have it made writable" in line
        # A plan writes nothing and needs nothing.
        assert run_snakemake(clone, "-n", SETS).returncode == 0
        change(results, "rw")
        done = run_snakemake(clone, "--cores", "1", SETS)
        assert done.returncode == 0, done.stderr
        assert (clone / SETS).exists()


@pytest.mark.faults
def test_a_folder_of_results_that_cannot_be_written(clone):
    """Only one stage is closed: its job ends the run."""
    with read_only(clone / "results/demo/genesets"):
        done = run_snakemake(clone, "--cores", "1", SETS)
        assert done.returncode == 1
        assert "Read-only file system" in done.stdout + done.stderr
    done = run_snakemake(clone, "--cores", "1", SETS)
    assert done.returncode == 0, done.stderr


@pytest.mark.faults
def test_a_disk_that_is_full_again_and_again(tmp_path):
    """A disk grows by small steps; at each, the same command stops until there is room."""
    whole = tmp_path / "whole"
    whole.mkdir()
    copy_repository(whole)
    asked = ("--cores", "2", "scfeaturelens", *own_cells(whole))
    done = run_snakemake(whole, *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    reference = checksums(whole / "results/mine")
    with small_disk(tmp_path / "disk", 200_000) as disk:
        copy_repository(disk)
        own_cells(disk)
        least = used(disk)
        size = sum(path.stat().st_size for path in (whole / "results").rglob("*")) // 1024
        stops, said = 0, []
        for step in range(STEPS):
            change(disk, f"size={least + 300 + step * (size + 3000) // STEPS}k")
            done = run_snakemake(disk, *asked)
            if done.returncode == 0:
                break
            stops += 1
            said += [line for line in lines_of(done) if line.startswith("error: ")]
        change(disk, "size=0")  # no limit
        assert run_snakemake(disk, *asked).returncode == 0
        found = differences(checksums(disk / "results/mine"), reference)
    assert found == []
    assert stops >= 5
    assert any("No space left on device; make room" in line for line in said)


@pytest.mark.faults
def test_a_home_that_cannot_be_written(tmp_path):
    """Snakemake's cache goes where XDG_CACHE_HOME says, as in README; all others find a place."""
    results = []
    for name in ("writable", "closed"):
        clone, home = tmp_path / name, tmp_path / f"home of {name}"
        clone.mkdir()
        copy_repository(clone)
        arguments = ("--cores", "2", "scfeaturelens", *own_cells(clone))
        home.mkdir()
        environment = {"HOME": str(home), "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
        if name == "closed":
            environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache")}
            with read_only(home):
                done = run_snakemake(clone, *arguments, environment=environment)
        else:
            done = run_snakemake(clone, *arguments, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        results.append(checksums(clone / "results/mine"))
    assert differences(*results) == []
