"""Whether a run goes on in a folder, as the kernel knows it, and what a killed one left behind.

Snakemake writes down which files a run makes, and refuses them to other runs; a run that is killed
leaves its note, and nobody can tell it from that of a run that goes on. So every run, and every job
of it on this machine, holds a lock of the kernel on one file, which ends with the process, however
that ends. Snakemake's notes are removed where nobody holds it. Where such locks are not to be had,
as on some network file systems, Snakemake's notes stay what they are.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

FOLDER = Path(".snakemake/featurelens/running")
"""One file for each name of a run: host and process that hold it."""
NOTES = Path(".snakemake/locks")
"""Where Snakemake notes what runs read and make."""
VARIABLE = "FEATURELENS_RUNNING"
"""Tells jobs the host and process of their run and the file to hold."""
GATE = ".gate"


def hold(run: str) -> int | None:
    """Hold a run in this folder until this process ends, and remove what a killed one left.

    Jobs of a killed run that are about to end are waited for; one line says so.

    Parameters
    ----------
    run
        Name of the run, whose results lie in ``results/<run>``.

    Returns
    -------
    int or None
        The process that makes this run already, in which case nothing is held.
    """
    with suppress(OSError):
        FOLDER.mkdir(parents=True, exist_ok=True)
        file = FOLDER / run
        number = os.open(file, os.O_RDWR | os.O_CREAT, 0o664)
        while not _take(run, number):
            if (living := _living(file)) is not None:
                os.close(number)
                return living
            sys.stderr.write(f"note: waiting for jobs of a killed run of results/{run}\n")
            fcntl.flock(number, fcntl.LOCK_EX)
            fcntl.flock(number, fcntl.LOCK_UN)
    return None


def _take(run: str, number: int) -> bool:
    """Hold a run by its opened file, and clear what was left of it, unless somebody holds it."""
    with _gate():
        if not _is_free(number):
            return False
        if _noted(FOLDER / run)[0] == _host():
            _remove_notes(run)
        os.truncate(number, 0)
        os.pwrite(number, f"{_host()} {os.getpid()}\n".encode(), 0)
        fcntl.flock(number, fcntl.LOCK_SH)
    return True


def others(run: str) -> bool:
    """Whether a run of another name goes on in this folder, as far as locks are to be had."""
    with suppress(OSError), _gate():
        return _any_other(run)
    return False


def tell_jobs(run: str) -> None:
    """Have the jobs of this process on this machine hold its run too (:func:`hold_as_job`)."""
    os.environ[VARIABLE] = f"{_host()} {os.getpid()} {(FOLDER / run).resolve()}"


def hold_as_job() -> None:
    """Hold the run of this job until this process ends; end it where the run has ended meanwhile.

    Nothing is held where no process of this machine runs it.
    """
    host, process, file = [*os.environ.get(VARIABLE, "").split(" ", 2), "", "", ""][:3]
    if host != _host():
        return
    with suppress(OSError):
        fcntl.flock(os.open(file, os.O_RDONLY), fcntl.LOCK_SH)
        if not _is_alive(int(process)):
            sys.exit("error: the run that began this job has ended")


@contextmanager
def _gate() -> Iterator[None]:
    """One process at a time, because a lock that is changed is given up for a moment."""
    with (FOLDER / GATE).open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


def _is_free(number: int) -> bool:
    """Take the lock for oneself, where nobody has it."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_notes(run: str) -> None:
    """Remove Snakemake's notes of a run that nobody holds; all of them if no run is held at all."""
    if not _any_other(run):
        rmtree(NOTES, ignore_errors=True)
        return
    for note in NOTES.glob("*.lock"):
        if any(line.startswith(f"results/{run}/") for line in note.read_text().splitlines()):
            note.unlink(missing_ok=True)


def _any_other(run: str) -> bool:
    return any(_is_held(file) for file in FOLDER.iterdir() if file.name not in (run, GATE))


def _is_held(file: Path) -> bool:
    with file.open("r+") as opened:  # network file systems lock only what can be written
        return not _is_free(opened.fileno())


def _living(file: Path) -> int | None:
    """The process of this machine that makes the run; None where only its jobs are left."""
    host, process = _noted(file)
    return process if host == _host() and _is_alive(process) else None


def _noted(file: Path) -> tuple[str, int]:
    """Host and process that held a run last; this host and no process where nobody did."""
    try:
        host, process = file.read_text().split()
        return host, int(process)
    except ValueError:
        return _host(), 0


def _host() -> str:
    return os.uname().nodename


def _is_alive(process: int) -> bool:
    if not process:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
