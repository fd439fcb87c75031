"""Two runs in one folder: of the same results the second is refused, of others it is not."""

import os
import signal
import time

import pytest

from clones import PROFILE, Begun, run_snakemake, write_config

pytestmark = pytest.mark.workflow

SETS = "results/{run}/genesets/mine/sets.gmt"


def config(folder, run):
    (folder / "sets.gmt").write_text("T cells\t\tCD3D\tCD3E\n")
    asked = {"run": run, "collections": {"mine": {"path": "sets.gmt"}}}
    write_config(folder, asked)[1].replace(folder / f"{run}.yaml")
    return "--configfile", folder / f"{run}.yaml"


def begin(folder, run):
    """A run that is stopped while it holds its results, and its file of what it says."""
    output = folder / f"{run}.log"
    begun = Begun(
        *(folder, "--cores", "1", SETS.format(run=run), *config(folder, run)),
        environment=os.environ | {"OMP_NUM_THREADS": "1"},
        output=output,
    )
    held = folder / ".snakemake/featurelens/running" / run
    while not (held.exists() and str(begun.pid) in held.read_text()):
        assert begun.poll() is None, output.read_text()
        time.sleep(0.05)
    os.kill(begun.pid, signal.SIGSTOP)
    return begun, output


def test_a_second_run_of_the_same_results_is_refused(clone):
    first, said = begin(clone, "mine")
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
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait() == 0, said.read_text()
    assert (clone / SETS.format(run="mine")).read_text().startswith("T cells")


def test_the_lock_of_a_killed_run_is_removed(clone):
    """As Snakemake leaves it: with the files that the run was to make."""
    first, _ = begin(clone, "mine")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    locks = clone / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.input.lock").write_text("sets.gmt\n")
    (locks / "0.output.lock").write_text(SETS.format(run="mine") + "\n")
    done = run_snakemake(clone, "--cores", "1", SETS.format(run="mine"), *config(clone, "mine"))
    assert done.returncode == 0, done.stdout + done.stderr
