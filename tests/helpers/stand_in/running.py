"""The stand-in made, served and run, in a copy of the repository."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from clones import ROOT, copy_repository, run_snakemake, write_config
from flaky_server import serve
from stand_in.files import Made, make
from stand_in.site import publish
from stand_in.study import Form

PAPER: dict[str, Any] = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
"""The config that is proven."""


@dataclass(frozen=True, eq=False)
class Finished:
    """A clone in which the stand-in of the paper's study was run to its end."""

    folder: Path
    form: Form
    made: Made
    config: dict[str, Any]
    """With which it was run."""

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables for people."""
        return pd.read_csv(self.result(f"tables/{name}.tsv"), sep="\t")

    def result(self, name: str) -> Path:
        """A file or folder of the run."""
        return self.folder / "results/paper" / name


def run(folder: Path, form: Form) -> str:
    """Make, serve and run a form of the stand-in; what Snakemake printed where it failed, or ""."""
    folder.mkdir()
    copy_repository(folder)
    (folder / "made").mkdir()
    made = make(folder / "made", form.files, whole=form.whole)
    (folder / "made.pkl").write_bytes(pickle.dumps(made))
    config = form.resized(PAPER)
    with serve() as server:
        config["downloads"] = publish(server, config["downloads"], made.files)
        arguments = ("--cores", "1", "--show-failed-logs", *write_config(folder, config))
        done = run_snakemake(folder, *arguments, environment={"no_proxy": "127.0.0.1"})
    return "" if done.returncode == 0 else done.stdout + done.stderr + "\nfailed"


def finished(folder: Path, form: Form) -> Finished:
    """What :func:`run` left."""
    made = pickle.loads((folder / "made.pkl").read_bytes())
    return Finished(folder, form, made, yaml.safe_load((folder / "test.yaml").read_text()))
