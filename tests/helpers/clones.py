"""A copy of the repository in which a test may run the workflow, and helpers to run it."""

import atexit
import compileall
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "config", "envs", "scripts", "profiles", "src", "slurm")
PROFILE = "Using workflow specific profile"
"""How the line begins in which Snakemake names ``profiles/default``, before all others."""


def run_snakemake(folder, *arguments, environment=None):
    """Run Snakemake in a folder and return the finished process, its output as text.

    There is no limit of time: how long a run takes says nothing about whether it is right.
    """
    with tempfile.TemporaryDirectory() as place:
        output, errors = Path(place, "output"), Path(place, "errors")
        command = {
            "arguments": [*map(str, arguments)],
            "folder": str(folder),
            "environment": {
                **os.environ,
                **{"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"},
                **(environment or {}),
            },
            "output": str(output),
            "errors": str(errors),
        }
        status = int(_ask(command))
        return subprocess.CompletedProcess(
            command["arguments"], status, output.read_text(), errors.read_text()
        )


class Begun:
    """Snakemake in a process group of its own, as ``subprocess.Popen`` has it.

    Parameters
    ----------
    folder, arguments, environment
        As for :func:`run_snakemake`; the environment is the whole of it.
    output
        File that takes what it prints.
    """

    def __init__(self, folder, *arguments, environment, output):
        command = {
            "arguments": [*map(str, arguments)],
            "folder": str(folder),
            "environment": environment,
            "output": str(output),
            "errors": str(output),
            "begin": True,
        }
        self.pid = int(_ask(command))
        self.returncode = None
        self._watched = os.pidfd_open(self.pid)

    def wait(self, timeout=None):
        """The exit status; ``subprocess.TimeoutExpired`` if it has not ended in so many seconds."""
        if self.returncode is None:
            if not select.select([self._watched], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("snakemake", timeout)
            os.close(self._watched)
            self.returncode = int(_ask({"ended": self.pid}))
        return self.returncode

    def poll(self):
        """The exit status, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None


def _ask(command):
    """What the process that forks answers."""
    server = _server()
    print(json.dumps(command), file=server.stdin, flush=True)
    return server.stdout.readline()


@cache
def _server():
    """The process that forks every Snakemake of this process of pytest; ends with it."""
    script = Path(__file__).with_name("snakemake_server.py")
    server = subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.communicate)
    return server


def copy_repository(folder, *, warm=True):
    """Copy what a user's clone holds of the workflow, without results.

    A warm clone has planned before: it holds the compiled modules and what fingerprints are made
    of, both valid for the bytes of the files that they stand for. Reading them anew is most of what
    the first plan takes.
    """
    left_out = ["*.egg-info"] if warm else ["*.egg-info", "__pycache__"]
    if warm:
        warm_up(folder)
    for part in PARTS:
        source = ROOT / part
        if source.is_symlink():
            (folder / part).symlink_to(source.readlink())
        elif source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns(*left_out))
        else:
            shutil.copy2(source, folder / part)
    return folder


def warm_up(folder):
    """Lay what was read of the library where a plan in a folder looks for it."""
    place = folder / ".snakemake/featurelens"
    place.mkdir(parents=True)
    shutil.copy(_read_once(), place / "fingerprints.json")


@cache
def _read_once():
    """The file that remembers what fingerprints are made of; all modules are compiled besides."""
    from featurelens.planning.fingerprint import Fingerprints

    compileall.compile_dir(ROOT / "src", quiet=2)
    place = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, place)
    remembered = Path(place, "fingerprints.json")
    Fingerprints(ROOT / "scripts", cache=remembered).of("draw")
    return remembered


def write_config(folder, config):
    """Write a configuration and return the arguments that select it."""
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return "--configfile", path
