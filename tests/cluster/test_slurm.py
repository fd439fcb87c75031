"""`snakemake --profile slurm`, judged by what Slurm itself recorded."""

import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from slurm_cluster import memory_mb, minutes

pytestmark = pytest.mark.cluster

EMBEDDING = "results/demo/autoencoder/small/latent4/embedding.h5ad"
CONFIG = "results/demo/config.yaml"
HANGS = 3600
"""Seconds after which a run is taken for one that will not end."""
HOG = """
import os, pathlib, sys, time
command = " ".join(sys.orig_argv)
once = pathlib.Path(os.environ["HOG_ONCE"])
if ".{script}.py" in command and "SLURM_JOB_ID" in os.environ and not once.exists():
    once.touch()
    held = bytearray({megabytes} << 20)
    held[::4096] = b"1" * len(held[::4096])
    time.sleep(60)
"""
"""Python that reads this at its start takes too much memory, in the first job of one script."""


def start(cluster, clone, *arguments, **environment):
    """The literal command, begun; what it prints goes to a file of the clone."""
    path = f"{Path(sys.executable).parent}:{cluster.environment['PATH']}"
    settings = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"} | environment
    with (clone / "run.log").open("w") as output:
        return subprocess.Popen(
            ["snakemake", "--profile", "slurm", *arguments],
            cwd=clone,
            env=os.environ | cluster.environment | {"PATH": path} | settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def finish(run, cluster, known=(), **acts):
    """Wait for a run; once for each rule that is named, do something to its first job that runs."""
    begun = time.monotonic()
    try:
        while run.poll() is None:
            for job in submitted(cluster, known):
                if job["JobState"] == "RUNNING" and job["rule"] in acts:
                    acts.pop(job["rule"])(job)
            assert time.monotonic() < begun + HANGS
            time.sleep(0.5)
    finally:
        run.kill()
        run.wait()
    assert not acts
    return run.returncode


def submitted(cluster, known=()):
    """Jobs of rules that Slurm knows, but for some that it knew before, in their order."""
    jobs = [job for job in cluster.jobs() if job["JobId"] not in known]
    found = [job | {"rule": name} for job in jobs if (name := rule_of(job))]
    return sorted(found, key=lambda job: int(job["JobId"]))


def rule_of(job):
    """The rule that the executor names in a job's comment."""
    named = re.match(r"rule_(\w+?)(_wildcards_.*)?$", job.get("Comment", "").strip())
    return named and named[1]


def told(log):
    """What Snakemake says that it runs: rules and their resources; and rules that stay here."""
    asked = defaultdict(set)
    for rule, block in re.findall(r"^rule (\w+):\n((?:    .*\n)+)", log, flags=re.M):
        amounts = dict(re.findall(r"(mem_mb|runtime)=(\d+)", block))
        asked[rule].add((int(amounts["mem_mb"]), int(amounts["runtime"])))
    return asked, set(re.findall(r"^localrule (\w+):", log, flags=re.M))


def check_records(cluster, jobs, log):
    """Memory, time, GPUs and partition of every job are what its rule asks for; some stay here."""
    asked, local = told(log)
    got = defaultdict(set)
    for job in jobs:
        got[job["rule"]].add((memory_mb(job["MinMemoryNode"]), minutes(job["TimeLimit"])))
    assert got == asked
    assert local
    assert local & set(got) == set()
    takers = {"embed_cells", "train_autoencoder", "measure_superposition", "measure_ceiling"}
    takers |= {"train_stack", "train_sae", "test_expression", "enrich_features"}
    given = cluster.given_gpus()
    for job in jobs:
        is_taker = job["rule"] in takers
        assert job.get("TresPerJob") == ("gres:gpu:1" if is_taker else None)
        assert len(given[job["JobId"]]) == is_taker
        assert job["Partition"] == ("gpu" if is_taker else "cpu")


def test_jobs_that_are_lost_are_tried_again_and_the_records_are_as_asked(cluster, clone):
    once = clone / "hogged"
    (clone / "hog").mkdir()
    (clone / "hog/sitecustomize.py").write_text(HOG.format(script="take_step", megabytes=1000))
    known = {job["JobId"] for job in cluster.jobs()}
    hog = {"PYTHONPATH": str(clone / "hog"), "HOG_ONCE": str(once)}
    run = start(cluster, clone, EMBEDDING, CONFIG, **hog)
    status = finish(
        run, cluster, known, train_autoencoder=lambda job: cluster.run("scancel", job["JobId"])
    )
    log = (clone / "run.log").read_text()
    assert status == 0, log
    assert (clone / EMBEDDING).exists()
    jobs = submitted(cluster, known)
    states = [(job["rule"], job["JobState"]) for job in jobs]
    assert states == [
        ("simulate", "FAILED"),
        ("simulate", "COMPLETED"),
        ("train_autoencoder", "CANCELLED"),
        ("train_autoencoder", "COMPLETED"),
    ]
    for first, second in (jobs[:2], jobs[2:]):
        assert memory_mb(second["MinMemoryNode"]) == 2 * memory_mb(first["MinMemoryNode"])
        assert minutes(second["TimeLimit"]) == 2 * minutes(first["TimeLimit"])
    assert (
        "exceeded memory limit"
        in next(clone.glob(".snakemake/slurm_logs/*simulate*/**/*.log")).read_text()
    )
    check_records(cluster, jobs, log)
    # The process that jobs begin in on one machine was not started.
    assert "featurelens.starts" not in log


@pytest.mark.slow
def test_code_that_is_edited_while_a_run_goes_on_ends_it_with_one_line(cluster, clone):
    module = clone / "src/featurelens/autoencoder/training.py"
    before = module.read_text()
    known = {job["JobId"] for job in cluster.jobs()}

    def edit(job):
        module.write_text(before + "\nADDED = 1\n")

    run = start(cluster, clone, EMBEDDING, CONFIG)
    assert finish(run, cluster, known, simulate=edit) == 1
    log = (clone / "run.log").read_text()
    lines = [line for line in log.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert lines[0].startswith(
        "error: edited since this run began: featurelens.autoencoder.training;"
    )
    assert not (clone / EMBEDDING).exists()
    # A job that began before the edit is not lost, and the code as it was goes on from there.
    module.write_text(before)
    known |= {job["JobId"] for job in cluster.jobs()}
    assert finish(start(cluster, clone, EMBEDDING, CONFIG), cluster) == 0
    assert [job["rule"] for job in submitted(cluster, known)] == ["train_autoencoder"]


@pytest.mark.slow
def test_the_miniature_is_made_from_a_fresh_clone(cluster, clone):
    known = {job["JobId"] for job in cluster.jobs()}
    run = start(cluster, clone)
    status = finish(
        run,
        cluster,
        known,
        measure_ceiling=lambda job: cluster.run(
            "scontrol", "update", f"JobId={job['JobId']}", "TimeLimit=1"
        ),
    )
    log = (clone / "run.log").read_text()
    assert status == 0, log[-8000:]
    check_records(cluster, submitted(cluster, known), log)
    again = start(cluster, clone, "-n")
    assert again.wait() == 0
    assert "Nothing to be done" in (clone / "run.log").read_text()
