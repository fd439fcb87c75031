"""Whether the jobs of a run begin in copies of a started process, and how Snakemake is told."""

import ast
import atexit
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from featurelens.starts import client, server

FEWEST = 10
"""Jobs of a run from which on loading once takes less than loading for each."""
LIBRARIES = (
    "snakemake.logging",
    "snakemake.iocontainers",
    "numpy",
    "pandas",
    "scipy.stats",
    "pyarrow.parquet",
    "h5py",
    "anndata",
    "numba",
    "safetensors.numpy",
    "sklearn.decomposition",
    "umap",
    "pydantic.dataclasses",
    "torch",
    "seaborn",
    "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_agg",
)
"""What many jobs load, and not at the head of a script."""
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""What keeps libraries from starting threads when they are loaded."""


def can_start() -> bool:
    """Whether a process can be copied and watched here."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def start(folder: str | Path, scripts: Sequence[str]) -> str:
    """Start the process that jobs begin in, which ends with this one, where it is worth it.

    Parameters
    ----------
    folder
        Where the scripts lie.
    scripts
        That of every job, below whatever path. What they import is loaded beside ``LIBRARIES``.

    Returns
    -------
    str
        What stands before the command of every job, or nothing.
    """
    if len(scripts) < FEWEST or not can_start():
        return ""
    own = imported({Path(folder, Path(script).name) for script in scripts})
    process, command = launch([*LIBRARIES, *own])
    atexit.register(process.communicate)
    return shlex.join(command)


def imported(scripts: Iterable[Path]) -> list[str]:
    """Modules of the library that scripts import at their head."""
    statements = [line for path in scripts for line in ast.parse(path.read_text()).body]
    names = {line.module for line in statements if isinstance(line, ast.ImportFrom) and line.module}
    return sorted(name for name in names if name.startswith("featurelens."))


def launch(modules: Sequence[str]) -> tuple[subprocess.Popen, list[str]]:
    """Start a process that loads modules and serves; what stands before the commands it serves."""
    folder = tempfile.mkdtemp(prefix="featurelens-")
    address = f"{folder}/jobs"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(64)
        number = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", server.__name__, str(number), folder, *modules],
            stdin=subprocess.PIPE,
            env=os.environ | ONE_THREAD,
            pass_fds=[number],
            start_new_session=True,
        )
    return process, [sys.executable, "-IS", client.__file__, address]
