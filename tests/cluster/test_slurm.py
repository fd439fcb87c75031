"""`snakemake --profile slurm`, judged by what Slurm itself recorded."""

import json
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
CELLS = "results/demo/datasets/pbmc68k/cells.h5ad"
CONFIG = "results/demo/config.yaml"
HANGS = 7200
"""Seconds after which a run is taken for one that will not end."""
AT_START = """
import json, os, pathlib, sys, time
asked = json.loads(os.environ["ASKED_OF_JOBS"])
copy = pathlib.Path(sys.orig_argv[-1])
script = copy.name.partition(".")[2].removesuffix(".py")
once = pathlib.Path(os.environ["ASKED_ONCE"], script)

def act(event, arguments):
    if event != "open" or arguments[0] != str(copy) or once.exists():
        return
    once.touch()
    if asked[script] == "hang":
        time.sleep(100_000)
    elif asked[script] == "wait":
        while not once.with_suffix(".go").exists():
            time.sleep(0.1)
    else:
        held = bytearray(asked[script] << 20)
        held[::4096] = b"1" * len(held[::4096])
        time.sleep(100_000)

if "SLURM_JOB_ID" in os.environ and script in asked:
    sys.addaudithook(act)
"""
"""Python that reads this does what is asked of the first job of each script, when it reads the
script and has compared its code: it hangs, waits for a file, or takes so many megabytes."""


@pytest.fixture
def asked(clone):
    """Function of what is asked of scripts, to the environment of a run; and the folder of notes.

    A script that has begun leaves a file of its name there.
    """
    folder = clone / "asked"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(AT_START)

    def environment(**acts):
        about = {"ASKED_OF_JOBS": json.dumps(acts), "ASKED_ONCE": str(folder)}
        return about | {"PYTHONPATH": str(folder)}

    return environment, folder


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


def planned(cluster, clone, *targets):
    """What Snakemake prints of what it would run."""
    assert start(cluster, clone, *targets, "-n").wait() == 0
    return (clone / "run.log").read_text()


def errors_of(clone):
    """Lines of errors that the last run printed."""
    lines = (clone / "run.log").read_text().splitlines()
    return [line for line in lines if line.startswith("error: ")]


def wait_for(note):
    """Wait until a script has begun."""
    begun = time.monotonic()
    while not note.exists():
        assert time.monotonic() < begun + HANGS
        time.sleep(0.1)


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
    """What Snakemake says that it runs: rules, and groups, with what they ask for; and rules that
    stay here.

    The jobs of a group take turns on its GPU: it asks for the time of all and the memory of one.
    """
    asked = defaultdict(set)
    for rule, block in re.findall(r"^rule (\w+):\n((?:    .*\n)+)", log, flags=re.M):
        asked[rule].update(_amounts(block))
    for group, block in re.findall(r"Group job (\w+) \(jobs.*\n+((?:    .*\n)+)", log):
        rules = sorted(set(re.findall(r"^ +rule (\w+):", block, flags=re.M)))
        memory, time = zip(*_amounts(block), strict=True)
        asked["_".join([group, *rules])].add((max(memory), sum(time)))
    return asked, set(re.findall(r"^localrule (\w+):", log, flags=re.M))


def _amounts(text):
    """Megabytes and minutes of each job that a text is about."""
    lines = [dict(re.findall(r"\b(mem_mb|runtime)=(\d+)", line)) for line in text.splitlines()]
    return [(int(line["mem_mb"]), int(line["runtime"])) for line in lines if "mem_mb" in line]


def check_records(cluster, jobs, log):
    """Memory, time, GPUs and partition of every job are what its rule asks for; some stay here."""
    asked, local = told(log)
    got = defaultdict(set)
    for job in jobs:
        got[job["rule"]].add((memory_mb(job["MinMemoryNode"]), minutes(job["TimeLimit"])))
    assert got == asked
    assert local
    assert local & set(got) == set()
    takers = {"embed_cells", "train_autoencoder", "measure_ceiling", "train_stack", "train_sae"}
    takers |= {"superposition_measure_superposition", "test_expression", "enrich_features"}
    given = cluster.given_gpus()
    for job in jobs:
        is_taker = job["rule"] in takers
        assert job.get("TresPerJob") == ("gres:gpu:1" if is_taker else None)
        assert len(given[job["JobId"]]) == is_taker
        assert job["Partition"] == ("gpu" if is_taker else "cpu")


def test_jobs_that_are_lost_are_tried_again_and_the_records_are_as_asked(cluster, clone, asked):
    """One takes too much memory, one does not end in its time, one is cancelled by hand."""
    environment, notes = asked
    known = {job["JobId"] for job in cluster.jobs()}
    given = {}

    def end_its_time(job):
        wait_for(notes / "prepare_cells")
        given[job["JobId"]] = {"TimeLimit": job["TimeLimit"]}
        cluster.run("scontrol", "update", f"JobId={job['JobId']}", "EndTime=now")

    hog = environment(take_step=1000, prepare_cells="hang")
    run = start(cluster, clone, EMBEDDING, CELLS, CONFIG, **hog)
    status = finish(
        run,
        cluster,
        known,
        train_autoencoder=lambda job: cluster.run("scancel", job["JobId"]),
        prepare_cells=end_its_time,
    )
    log = (clone / "run.log").read_text()
    assert status == 0, log
    assert (clone / EMBEDDING).exists()
    assert (clone / CELLS).exists()
    # Of the job whose time was cut, the limit that it had.
    jobs = [job | given.get(job["JobId"], {}) for job in submitted(cluster, known)]
    of = defaultdict(list)
    for job in jobs:
        of[job["rule"]].append(job)
    states = {rule: [job["JobState"] for job in jobs] for rule, jobs in of.items()}
    assert states == {
        "simulate": ["FAILED", "COMPLETED"],
        "prepare_cells": ["TIMEOUT", "COMPLETED"],
        "train_autoencoder": ["CANCELLED", "COMPLETED"],
    }
    for first, second in of.values():
        assert memory_mb(second["MinMemoryNode"]) == 2 * memory_mb(first["MinMemoryNode"])
        assert minutes(second["TimeLimit"]) == 2 * minutes(first["TimeLimit"])
    lost = next(clone.glob(".snakemake/slurm_logs/*simulate*/**/*.log"))
    assert "exceeded memory limit" in lost.read_text()
    check_records(cluster, jobs, log)
    # The run names what it tried again; the process that jobs begin in on one machine is not there.
    again = {line for line in log.splitlines() if line.startswith("tried again: ")}
    assert again == {f"tried again: {rule}, 1 job" for rule in states}
    assert "featurelens.starts" not in log
    ended = {line["JobId"]: line["JobState"] for line in cluster.finished()}
    assert all(ended[job["JobId"]] == job["JobState"] for job in jobs)


@pytest.mark.slow
def test_code_that_is_edited_while_a_run_goes_on_ends_it_with_one_line(cluster, clone, asked):
    environment, notes = asked
    module = clone / "src/featurelens/autoencoder/training.py"
    before = module.read_text()
    known = {job["JobId"] for job in cluster.jobs()}

    def edit(_):
        """Once the first script has begun: what it could load was compared before."""
        wait_for(notes / "take_step")
        module.write_text(before + "\nADDED = 1\n")
        (notes / "take_step.go").touch()

    run = start(cluster, clone, EMBEDDING, CONFIG, **environment(take_step="wait"))
    assert finish(run, cluster, known, simulate=edit) == 1
    [line] = errors_of(clone)
    assert line.startswith("error: edited since this run began: featurelens.autoencoder.training;")
    assert not (clone / EMBEDDING).exists()
    lost = [job for job in submitted(cluster, known) if job["JobState"] != "COMPLETED"]
    assert {job["rule"] for job in lost} == {"train_autoencoder"}
    # A job that was under way is not lost, and the next run goes on from there with one version.
    known |= {job["JobId"] for job in cluster.jobs()}
    assert finish(start(cluster, clone, EMBEDDING, CONFIG), cluster) == 0
    assert [job["rule"] for job in submitted(cluster, known)] == ["train_autoencoder"]
    assert "Nothing to be done" in planned(cluster, clone, EMBEDDING, CONFIG)
    # What is there is recorded as made with the edited code, and with that alone.
    module.write_text(before)
    jobs = re.findall(r"^(?:local)?rule (\w+):", planned(cluster, clone, EMBEDDING), flags=re.M)
    assert jobs == ["train_autoencoder"]


@pytest.mark.slow
def test_jobs_that_a_killed_run_has_left_are_not_joined_by_others(cluster, clone, asked):
    environment, notes = asked
    known = {job["JobId"] for job in cluster.jobs()}
    run = start(cluster, clone, EMBEDDING, CONFIG, **environment(take_step="wait"))

    def kill(_):
        wait_for(notes / "take_step")
        run.kill()

    finish(run, cluster, known, simulate=kill)
    [left] = submitted(cluster, known)
    assert left["JobState"] == "RUNNING"
    assert start(cluster, clone, EMBEDDING, CONFIG).wait() == 1
    [line] = errors_of(clone)
    assert line.startswith("error: results/demo: jobs of an earlier run are still in Slurm's queue")
    assert len(submitted(cluster, known)) == 1
    # The command that the line ends with is all that it takes.
    cluster.run(*line.rpartition(": ")[2].split())
    begun = time.monotonic()
    while cluster.run("squeue", "--noheader"):
        assert time.monotonic() < begun + HANGS
    assert finish(start(cluster, clone, EMBEDDING, CONFIG), cluster) == 0
    ended = [(job["rule"], job["JobState"]) for job in submitted(cluster, known)]
    assert ended[0] == ("simulate", "CANCELLED")
    assert ended[1:] == [("simulate", "COMPLETED"), ("train_autoencoder", "COMPLETED")]


@pytest.mark.slow
def test_the_miniature_is_made_from_a_fresh_clone(cluster, clone):
    known = {job["JobId"] for job in cluster.jobs()}
    run = start(cluster, clone)
    status = finish(run, cluster, known)
    log = (clone / "run.log").read_text()
    assert status == 0, log[-8000:]
    check_records(cluster, submitted(cluster, known), log)
    assert {"collect_sweep", "list_atlas", "judge_claims"} <= told(log)[1]
    assert "Nothing to be done" in planned(cluster, clone)
