"""What is relied on of Snakemake, as docs/snakemake.md says it, and what the product makes of it.

Where one of the first fails with another version of Snakemake, the page has to be written anew.
"""

import json
import os
import re
import subprocess
import sys
from itertools import accumulate
from math import ceil
from pathlib import Path

import pytest
import yaml
import yte
from snakemake import benchmark

import slurm_plan
from clones import ROOT, copy_repository, run_snakemake, write_config
from featurelens.planning.steps import read_steps

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("plans")]

RULES = """
rule all:
    input: "far.txt", "near.txt"
rule far:
    output: "far.txt"
    threads: 3
    script: "far.py"
rule near:
    output: "near.txt"
    localrule: True
    shell: "touch {output}"
"""
SCRIPT = """
import os
open(snakemake.output[0], "w").write(os.environ["OMP_NUM_THREADS"])
"""
PROFILE = {
    "executor": "slurm",
    "jobs": 2,
    "default-resources": {"mem_mb": 2222, "runtime": 77, "slurm_account": "mine"},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Snakefile").write_text(RULES)
    (tmp_path / "far.py").write_text(SCRIPT)
    (tmp_path / "profile.yaml").write_text(yaml.safe_dump(PROFILE))
    return tmp_path


def planned(folder, *arguments):
    done = run_snakemake(folder, *arguments, "-n", "--profile", "profile.yaml")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_default_resources_on_the_command_line_drop_those_of_the_profile(folder):
    assert "mem_mb=2222" in planned(folder)
    text = planned(folder, "far.txt", "--default-resources", "slurm_partition=main")
    assert "slurm_partition=main" in text
    assert "mem_mb=2222" not in text
    assert "runtime=" not in text
    assert "slurm_account" not in text


def test_the_default_profile_wins_over_a_named_one_by_whole_keys(folder):
    (folder / "profiles/default").mkdir(parents=True)
    text = "default-resources: {mem_mb: 111}\n"
    (folder / "profiles/default/config.yaml").write_text(text)
    text = planned(folder, "far.txt")
    assert "mem_mb=111" in text
    assert "slurm_account" not in text


def test_a_group_takes_a_rule_that_is_local(folder):
    assert "Group job" not in planned(folder)
    text = planned(folder, "near.txt", "--groups", "near=together")
    assert "Group job together" in text


def test_a_script_is_told_the_threads_of_its_job_whatever_the_caller_says(folder):
    done = run_snakemake(folder, "far.txt", "--cores", "2", environment={"OMP_NUM_THREADS": "7"})
    assert done.returncode == 0, done.stderr
    assert (folder / "far.txt").read_text() == "2"


def test_the_trigger_code_looks_at_the_time_of_a_script_not_at_what_it_says(folder):
    run_snakemake(folder, "far.txt", "--cores", "1")
    os.utime(folder / "far.py", (2**31, 2**31))
    done = run_snakemake(folder, "far.txt", "-n", "--rerun-triggers", "mtime", "code")
    assert "Code has changed" in done.stdout
    done = run_snakemake(folder, "far.txt", "-n", "--rerun-triggers", "mtime", "params")
    assert "Nothing to be done" in done.stdout + done.stderr


class Looks(benchmark.ScheduledPeriodicTimer):
    """Keeps what it would wait between two looks, and waits not at all."""

    def __init__(self):
        super().__init__(benchmark.BENCHMARK_INTERVAL)
        self.waits, self.n_looks = [], 0

    def _schedule(self):
        apart = self._times_called > self._interval
        self.waits.append(self._interval if apart else benchmark.BENCHMARK_INTERVAL_SHORT)

    def work(self):
        self.n_looks += 1


def test_benchmark_files_hold_the_first_15_seconds_and_then_every_thirtieth():
    timer = Looks()
    timer.start()
    for _ in range(33):
        timer._action()
    times = [0, *accumulate(timer.waits)]
    assert times[:3] == [0, 0.5, 1]
    assert times[30:34] == [15, 45, 75, 105]
    # At its end a job is not looked at.
    before = timer.n_looks
    timer.cancel()
    assert timer.n_looks == before


# ---- What the product makes of it ----


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return copy_repository(tmp_path_factory.mktemp("clone"), warm=False)


def profile(name, **site):
    """What Snakemake reads in a profile whose block of the site says so."""
    text = (ROOT / f"profiles/{name}/config.yaml").read_text()
    for key, value in site.items():
        text, n_places = re.subn(rf"(?m)^(  {key}:) .*$", rf"\1 {value}", text)
        assert n_places == 1
    return yte.process_yaml(text, require_use_yte=True)


def test_no_profile_looks_at_the_time_of_a_script():
    triggers = [profile(path.name)["rerun-triggers"] for path in (ROOT / "profiles").iterdir()]
    assert len(triggers) == 3
    assert triggers == 3 * [["mtime", "params", "input", "software-env"]]


def test_every_profile_makes_again_what_was_half_written():
    profiles = [path.name for path in (ROOT / "profiles").iterdir()]
    assert [profile(name)["rerun-incomplete"] for name in profiles] == 3 * [True]


def test_the_default_profile_has_no_key_that_others_set_otherwise():
    ours = profile("default")
    for name in ("slurm", "local-gpu"):
        other = profile(name)
        assert {key for key in ours if other.get(key, ours[key]) != ours[key]} == set()


def test_profiles_name_the_very_rules_that_take_a_gpu():
    texts = [path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk")]
    blocks = [block for text in texts for block in re.split(r"^(?: {4})?rule\b", text, flags=re.M)]
    takers = {
        re.search(r"scripts/(\w+)\.py", block)[1] for block in blocks if "device=device," in block
    }
    takers |= {step.name for step in read_steps() if step.gpu}
    assert set(profile("local-gpu")["set-resources"]) == takers
    assert set(profile("slurm", gpus=1)["set-resources"]) == takers


def test_a_site_says_once_what_it_asks_for():
    plain = profile("slurm")
    assert "set-resources" not in plain
    assert set(plain["default-resources"]) == {"mem_mb", "runtime"}
    site = {"partition": "long", "account": "mine", "gpus": 1, "gpu_partition": "cards"}
    ours = profile("slurm", status="squeue", **site)
    assert ours["default-resources"]["slurm_partition"] == "long"
    assert ours["default-resources"]["slurm_account"] == "mine"
    assert ours["slurm-status-command"] == "squeue"
    given = list(ours["set-resources"].values())
    assert given == len(given) * [{"gpu": 1, "slurm_partition": "cards"}]
    # Without a partition of their own, jobs with a GPU go where the others go.
    [given, *_] = profile("slurm", gpus=1)["set-resources"].values()
    assert given == {"gpu": 1}


def test_what_a_profile_gives_more_of_is_a_rule(clone):
    """Snakemake takes the name of a rule that is not there without a word."""
    done = run_snakemake(clone, "--list-rules", "--configfile", "config/paper.yaml")
    rules = set(done.stdout.split())
    for name in ("slurm", "local-gpu"):
        ours = profile(name)
        keys = ("set-resources", "set-threads", "groups")
        assert {rule for key in keys for rule in ours.get(key, {})} - rules == set()


STUDY = {
    "architecture": ["vanilla", "relu", "topk"],
    "expansion": [2, 5, 10, 20, 50, 100, 200],
    "l1": [0.1, 0.01, 0.001, 0.0001, 0.00001],
    "k": [1, 5, 10, 20, 50, 75, 100],
    "learning_rate": [0.01, 0.001, 0.0001, 0.00001],
    "epochs": 100,
    "seed": [0, 1, 2, 3, 4, 5, 6],
}
"""(5 + 5 + 7) * 7 * 4 * 7 = 3,332 SAEs in 3 * 7 * 4 stacks of one architecture, width and rate."""


def slurm_jobs(folder, config, **site):
    """What a run would submit under the profile: Slurm jobs by rule or group, and what else."""
    settings = folder / "profile.yaml"
    settings.write_text(yaml.safe_dump(profile("slurm", **site)))
    command = [sys.executable, Path(slurm_plan.__file__), folder, config, settings]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("stacks_per_job", [1, 4])
def test_a_study_of_3000_saes_is_less_than_200_slurm_jobs(tmp_path, stacks_per_job):
    clone = copy_repository(tmp_path)
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    stack_by = ["architecture", "expansion", "learning_rate"]
    config["sweeps"]["small"] |= {"grids": [STUDY], "stack_by": stack_by}
    _, file = write_config(clone, config)
    plan = slurm_jobs(clone, file, stacks_per_job=stacks_per_job)
    assert plan["points"] > 3000
    jobs = plan["slurm"]
    assert sum(jobs.values()) < 200
    # 84 stacks of the small simulation are measured by fives.
    assert jobs["recovery"] == 17
    if stacks_per_job > 1:
        assert "train_stack" not in jobs
        assert jobs["stacks"] >= 84 / 4


@pytest.mark.slow
def test_the_papers_study_shares_slurm_jobs_as_the_profile_says(tmp_path):
    """Grids as the config has them; architecture and width in one stack, or each rate apart."""
    stacks = {
        "small": 3 * 8,
        "hierarchical": 4 + 4 + 4 * 3,
        "grid": 3 * (3 * 6 * 3),
        "zipf": 6,
        "cells": 3 * (2 * 4 * 2),
    }
    alone = {
        "train_stack": sum(stacks.values()),
        "train_autoencoder": 22 * 3 * 2 + 3,
    }
    # The small sweep of zipf is measured in one job, those of cells apart from the others.
    shared = {
        "superposition": alone["train_autoencoder"],
        "recovery": sum(stacks.values()) - stacks["zipf"] - stacks["cells"],
        "held_out": stacks["cells"],
    }
    clone = copy_repository(tmp_path)
    jobs = slurm_jobs(clone, "config/paper.yaml")["slurm"]
    assert {name: jobs[name] for name in alone} == alone
    assert {name: jobs[name] for name in shared} == {
        name: ceil(number / 5) for name, number in shared.items()
    }
    assert {"fetch_resource", "collect_sweep", "collect_recovery"} & set(jobs) == set()
    others = sum(jobs.values()) - jobs["train_stack"]
    jobs = slurm_jobs(clone, "config/paper.yaml", stacks_per_job=4)["slurm"]
    assert jobs["stacks"] == alone["train_stack"] / 4
    assert sum(jobs.values()) == others + jobs["stacks"]


def test_a_run_whose_settings_are_unusual_says_so_and_no_other(clone):
    target = "results/demo/config.yaml"
    unusual = ("--workflow-profile", "none", "--groups", "fetch_resource=together")
    done = run_snakemake(clone, target, "--cores", "1", *unusual)
    assert done.returncode == 0, done.stderr
    notes = re.findall("^note: .*", done.stderr, flags=re.MULTILINE)
    assert ["--rerun-triggers" in note for note in notes] == [True, False]
    assert ["--groups" in note for note in notes] == [False, True]
    Path(clone / target).unlink()
    done = run_snakemake(clone, target, "--cores", "1")
    assert done.returncode == 0, done.stderr
    assert "note: " not in done.stderr
