"""Two runs in one folder: of the same results the second is refused, of others it is not."""

import fcntl
import os
import signal
import time

import pytest

from clones import PROFILE, Begun, run_snakemake, write_config
from featurelens.starts import held

pytestmark = pytest.mark.workflow

SETS = "results/{run}/genesets/mine/sets.gmt"


def config(folder, run):
    (folder / "sets.gmt").write_text("T cells\t\tCD3D\tCD3E\n")
    asked = {"run": run, "collections": {"mine": {"path": "sets.gmt"}}}
    write_config(folder, asked)[1].replace(folder / f"{run}.yaml")
    return "--configfile", folder / f"{run}.yaml"


def begin(folder, run):
    """A run that is stopped while it holds its results."""
    output = folder / f"{run}.log"
    begun = Begun(
        *(folder, "--cores", "1", SETS.format(run=run), *config(folder, run)),
        environment=os.environ | {"OMP_NUM_THREADS": "1"},
        output=output,
    )
    file = folder / held.FOLDER / run
    while not (file.exists() and str(begun.pid) in file.read_text()):
        assert begun.poll() is None, output.read_text()
        time.sleep(0.05)
    with (folder / held.FOLDER / held.GATE).open() as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)  # it is past it
        os.kill(begun.pid, signal.SIGSTOP)
    return begun


def test_a_second_run_of_the_same_results_is_refused(clone):
    first = begin(clone, "mine")
    done = run_snakemake(clone, "--cores", "1", SETS.format(run="mine"), *config(clone, "mine"))
    assert done.returncode == 1
    text = done.stdout + done.stderr
    [line] = [line for line in text.splitlines() if line and not line.startswith(PROFILE)]
    assert line == (
        f"error: results/mine: another run makes them in this folder (process {first.pid}); wait "
        "until it has ended, or end it"
    )
    other = run_snakemake(clone, "--cores", "1", SETS.format(run="other"), *config(clone, "other"))
    assert other.returncode == 0, other.stderr
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()


def test_the_lock_of_a_killed_run_is_removed(clone):
    """As Snakemake leaves it: with the files that the run was to make."""
    first = begin(clone, "mine")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    locks = clone / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.input.lock").write_text("sets.gmt\n")
    (locks / "0.output.lock").write_text(SETS.format(run="mine") + "\n")
    done = run_snakemake(clone, "--cores", "1", SETS.format(run="mine"), *config(clone, "mine"))
    assert done.returncode == 0, done.stdout + done.stderr
