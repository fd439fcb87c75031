"""Jobs that a run has left in Slurm's queue, where Snakemake was killed and they were not.

They write the files that the next run would make, and neither Snakemake nor a lock of this machine
knows of them. The standard library alone, because the workflow calls it before it plans.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

LOGS = Path(".snakemake/slurm_logs")
"""Where jobs of a cluster write, below the folder of their run, unless the user says otherwise."""
PATIENCE = 60
"""Seconds after which a queue that does not answer is done without."""
WIDTH = 200
"""Letters that squeue is given for the name of a job."""


def jobs_left(folder: Path) -> list[str]:
    """The name of each of the user's jobs that a run in a folder submitted and that has not ended.

    All jobs of one run have the same name. Empty where there is no Slurm, or it does not answer.
    """
    logs = (folder / LOGS).resolve()
    if not logs.exists() or shutil.which("squeue") is None:
        return []
    asked = ["squeue", "--me", "--noheader", f"--Format=Name:{WIDTH},StdOut:4096"]
    try:
        done = subprocess.run(
            asked, capture_output=True, text=True, errors="replace", check=True, timeout=PATIENCE
        )
    except (OSError, subprocess.SubprocessError):
        return []
    jobs = [(line[:WIDTH].strip(), line[WIDTH:].strip()) for line in done.stdout.splitlines()]
    return [name for name, log in jobs if Path(log).is_relative_to(logs)]


def describe_left(run: str, names: Sequence[str]) -> str:
    """One line about jobs that are left, by their names.

    Examples
    --------
    >>> describe_left("demo", ["5a7e", "5a7e"])
    "results/demo: jobs of an earlier run are still in Slurm's queue and write its files (2); wait \
until they have ended, or end them: scancel --name 5a7e"
    """
    commands = " && ".join(f"scancel --name {name}" for name in sorted(set(names)))
    return (
        f"results/{run}: jobs of an earlier run are still in Slurm's queue and write its files "
        f"({len(names)}); wait until they have ended, or end them: {commands}"
    )
