"""The place that a run works in: whether it can be written, who else is there, what clocks did.

The standard library alone, because the workflow calls it before it plans.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from featurelens.io import InputError
from featurelens.planning.queued import describe_left, jobs_left
from featurelens.starts import held

SKEW = 2.0
"""Seconds by which the clocks of a computer and of its file server may differ."""


def prepare_place(run: str, resources: Iterable[str], *, dry: bool) -> None:
    """Make sure that a run can begin here, before anything is planned.

    Parameters
    ----------
    run
        Name of the run, whose results lie in ``results/<run>``.
    resources
        Files that it downloads.
    dry
        Whether nothing is computed: then there is only to be room for temporary files.

    Raises
    ------
    InputError
        If files cannot be written, another process makes the same run in this folder, or Slurm's
        queue holds jobs of a run that has ended.
    """
    require_room()
    if dry:
        return
    require_writable(Path("results", run))
    if (other := held.hold(run)) is not None:
        raise InputError(
            f"results/{run}: another run makes them in this folder (process {other}); wait until "
            "it has ended, or end it"
        )
    if not held.others(run) and (left := jobs_left(Path.cwd())):
        raise InputError(describe_left(run, left))
    held.tell_jobs(run)
    if n_files := bring_back([Path("results", run), *map(Path, resources)]):
        sys.stderr.write(
            f"note: {n_files} files of results/{run} were dated later than now, after a change of "
            "the clock, and have the time of now\n"
        )


def require_room(least: int = 2**20) -> None:
    """Raise :class:`InputError` unless temporary files of so many bytes can be written.

    Snakemake's scheduler writes to the folder that TMPDIR names, and stops with a traceback where
    it cannot; Python would take another folder in silence.
    """
    folder = os.environ.get("TMPDIR") or tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * least)
    except OSError as error:
        raise InputError(
            f"temporary files cannot be written to {folder} ({error.strerror}); make room, or set "
            "TMPDIR to a folder that has some"
        ) from error


def require_writable(results: Path) -> None:
    """Raise :class:`InputError` unless files can be made in a folder, or in what is to hold it."""
    there = next(path for path in (results, *results.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise InputError(
            f"{results} cannot be made: {there} cannot be written ({error.strerror}); have it made "
            "writable, or run in another folder (snakemake --directory)"
        ) from error


def bring_back(places: Iterable[Path]) -> int:
    """Give the time of now to files that are dated later; their number.

    After a clock was put back, results of before are newer than whatever they are made from, so
    that Snakemake would keep them where an input was made again.
    """
    now, n_files = time.time(), 0
    for file in (file for place in places for file in _files_in(place)):
        with suppress(OSError):
            if file.stat().st_mtime > now + SKEW:
                os.utime(file, (now, now))
                n_files += 1
    return n_files


def _files_in(place: Path) -> Iterator[Path]:
    yield from place.rglob("*") if place.is_dir() else [place]
