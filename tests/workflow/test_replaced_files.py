"""A file that takes the place of another one is noticed, whatever its date."""

import os

import pytest

from clones import run_snakemake, write_config

pytestmark = pytest.mark.workflow

SETS = "results/mine/genesets/mine/sets.gmt"


def test_a_file_with_an_older_date_takes_effect(clone):
    config = write_config(clone, {"run": "mine", "collections": {"mine": {"path": "sets.gmt"}}})
    (clone / "sets.gmt").write_text("T cells\t\tCD3D\tCD3E\n")
    done = run_snakemake(clone, "--cores", "1", SETS, *config)
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in run_snakemake(clone, "-n", SETS, *config).stdout

    (clone / "other.gmt").write_text("B cells\t\tCD19\tMS4A1\n")
    os.utime(clone / "other.gmt", (1e9, 1e9))
    (clone / "other.gmt").replace(clone / "sets.gmt")
    assert run_snakemake(clone, "--cores", "1", SETS, *config).returncode == 0
    assert (clone / SETS).read_text().startswith("B cells")
    assert "Nothing to be done" in run_snakemake(clone, "-n", SETS, *config).stdout
