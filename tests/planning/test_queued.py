"""Jobs that a killed run has left in Slurm's queue stop the next run in the same folder."""

import os
import sys

import pytest

from featurelens.io import InputError
from featurelens.planning import queued
from featurelens.planning.place import prepare_place
from featurelens.starts import held

OURS = "5a7e-11"
SQUEUE = """#!{python}
import sys
assert "--me" in sys.argv
[format] = [each for each in sys.argv if each.startswith("--Format=")]
widths = [int(part.partition(":")[2]) for part in format.split(",")]
for job in {jobs}:
    print("".join(value.ljust(width) for value, width in zip(job, widths, strict=True)))
sys.exit({status})
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in which jobs of a cluster have run."""
    place = tmp_path / "of a study"
    (place / queued.LOGS).mkdir(parents=True)
    monkeypatch.chdir(place)
    monkeypatch.setenv(held.VARIABLE, "")
    return place


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Function that puts jobs, of name and log, into a queue."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")

    def queue(*jobs, status=0):
        jobs = [(name, str(log)) for name, log in jobs]
        text = SQUEUE.format(python=sys.executable, jobs=jobs, status=status)
        (programs / "squeue").write_text(text)
        (programs / "squeue").chmod(0o755)

    return queue


def test_jobs_of_this_folder_stop_a_run_with_one_line(folder, slurm):
    logs = folder / queued.LOGS
    jobs = [(OURS, logs / "rule_train_sae/a/%j.log"), (OURS, logs / "rule_simulate/%A_%a.log")]
    elsewhere = [("9", folder / "job.log"), ("8", f"{folder}2/{queued.LOGS}/%j.log")]
    slurm(*jobs, *elsewhere)
    with pytest.raises(InputError) as raised:
        prepare_place("demo", [], dry=False)
    [line] = str(raised.value).splitlines()
    assert line.startswith("results/demo: jobs of an earlier run are still in Slurm's queue")
    assert "(2)" in line
    assert line.endswith(f": scancel --name {OURS}")
    # To look at what would be done is no harm.
    prepare_place("demo", [], dry=True)


def test_jobs_of_other_folders_stop_nothing(folder, slurm):
    slurm(("9", folder / "job.log"), ("8", f"{folder}2/{queued.LOGS}/%j.log"))
    assert queued.jobs_left(folder) == []
    prepare_place("demo", [], dry=False)


def test_jobs_may_be_of_another_run_that_goes_on_here(folder, slurm, monkeypatch):
    slurm((OURS, folder / queued.LOGS / "%j.log"))
    monkeypatch.setattr(held, "_any_other", lambda run: run == "demo")
    prepare_place("demo", [], dry=False)


def test_where_the_queue_does_not_answer_a_run_begins(folder, slurm, monkeypatch):
    slurm((OURS, folder / queued.LOGS / "%j.log"), status=1)
    assert queued.jobs_left(folder) == []
    monkeypatch.setenv("PATH", "")
    assert queued.jobs_left(folder) == []


def test_a_queue_is_not_asked_where_no_job_was_submitted(tmp_path, slurm):
    slurm((OURS, tmp_path / queued.LOGS / "%j.log"))
    assert queued.jobs_left(tmp_path) == []
