"""A copy of the repository in which a test may run the workflow, and helpers to run it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "config", "envs", "scripts", "profiles", "src", "slurm")


def run_snakemake(folder, *arguments, **options):
    """Run Snakemake in a folder and return the finished process, its output as text."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        **options,
    )


def copy_repository(folder):
    """Copy what a user's clone holds of the workflow, without results."""
    for part in PARTS:
        source = ROOT / part
        if source.is_symlink():
            (folder / part).symlink_to(source.readlink())
        elif source.is_dir():
            shutil.copytree(
                source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        else:
            shutil.copy2(source, folder / part)
    return folder


def write_config(folder, config):
    """Write a configuration and return the arguments that select it."""
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return "--configfile", path
