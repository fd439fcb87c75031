"""A run is held as long as a process of it lives, and what a killed one leaves is told apart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from featurelens.starts import held

HOLDS = "from featurelens.starts import held; print(held.hold('{run}'), flush=True); input()"
TELLS = f"""
import os
from featurelens.starts import held
held.hold("demo")
held.tell_jobs("demo")
print(os.environ["{held.VARIABLE}"], flush=True)
input()
"""
JOB = "from featurelens.starts import held; held.hold_as_job(); print('works', flush=True); input()"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def begin():
    """Start processes whose first line has come; those that still run are killed at the end."""
    processes = []

    def begin(script, **environment):
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
            text=True,
        )
        processes.append(process)
        return process, process.stdout.readline().strip()

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def note(number, kind, *lines):
    """What Snakemake writes down of files that it reads or makes."""
    path = held.NOTES / f"{number}.{kind}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def kill(process):
    process.kill()
    process.communicate()


def test_a_run_that_goes_on_is_named_by_its_process(begin):
    process, _ = begin(HOLDS.format(run="demo"))
    notes = note(0, "output", "results/demo/a")
    assert held.hold("demo") == process.pid
    assert notes.exists()
    kill(process)
    assert held.hold("demo") is None


def test_notes_of_a_killed_run_are_removed(begin):
    process, said = begin(HOLDS.format(run="demo"))
    assert said == "None"
    notes = note(0, "input", "cells.h5ad"), note(0, "output", "resources/a")
    kill(process)
    held.hold("demo")
    assert [path.exists() for path in notes] == [False, False]


def test_notes_of_another_run_that_goes_on_stay(begin):
    begin(HOLDS.format(run="other"))
    process, _ = begin(HOLDS.format(run="demo"))
    mine = note(0, "input", "cells.h5ad", "results/demo/a"), note(0, "output", "results/demo/b")
    others = note(1, "input", "cells.h5ad"), note(1, "output", "results/other/b")
    kill(process)
    held.hold("demo")
    assert [path.exists() for path in (*mine, *others)] == [False, False, True, True]


def test_notes_of_another_computer_stay():
    """On a shared file system nobody here knows whether it still works on them."""
    held.FOLDER.mkdir(parents=True)
    (held.FOLDER / "demo").write_text("elsewhere 12\n")
    notes = note(0, "output", "results/demo/a")
    assert held.hold("demo") is None
    assert notes.exists()


def test_a_job_of_a_killed_run_is_waited_for(begin, tmp_path):
    run, told = begin(TELLS)
    job, said = begin(JOB, **{held.VARIABLE: told})
    assert said == "works"
    kill(run)
    waits = "import os; os.dup2(1, 2); " + HOLDS.format(run="demo")
    later, said = begin(waits)
    assert said == "note: waiting for jobs of a killed run of results/demo"
    assert later.poll() is None
    kill(job)
    assert later.stdout.readline() == "None\n"


def test_a_job_whose_run_has_ended_does_not_begin(begin):
    run, told = begin(TELLS)
    kill(run)
    job, said = begin(JOB, **{held.VARIABLE: told})
    assert said == ""
    assert job.wait() == 1
    assert job.stderr.read() == "error: the run that began this job has ended\n"


@pytest.mark.parametrize("told", ["", "elsewhere 1 /nowhere"])
def test_a_job_elsewhere_holds_nothing(begin, told):
    assert begin(JOB, **{held.VARIABLE: told})[1] == "works"


def test_a_folder_that_cannot_be_written_is_no_hindrance(tmp_path):
    Path(".snakemake").write_text("no folder")
    assert held.hold("demo") is None
