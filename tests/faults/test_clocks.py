"""Clocks that jump: files dated ahead or long ago change no result."""

import os
import time

import pytest

from clones import PROFILE, run_snakemake, write_config
from featurelens.checksums import checksums, differences
from featurelens.planning.place import bring_back
from miniature import copy_finished

pytestmark = pytest.mark.workflow

YEAR = 365 * 86400
SETS = "results/mine/genesets/mine/sets.gmt"


def date(folder, shift):
    """Shift the times of all files and folders below a folder."""
    for path in [folder, *folder.rglob("*")]:
        seconds = path.stat().st_mtime + shift
        os.utime(path, (seconds, seconds))


def test_what_is_dated_ahead_has_the_time_of_now(tmp_path):
    for name, shift in (("old", -YEAR), ("new", 0), ("ahead", YEAR)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        date(tmp_path / name, shift)
    before = time.time()
    assert bring_back([tmp_path, tmp_path / "absent"]) == 2  # the folder and its file
    for name in ("ahead", "ahead/file"):
        assert before <= (tmp_path / name).stat().st_mtime <= time.time()
    assert (tmp_path / "old/file").stat().st_mtime < before - YEAR / 2


def test_an_input_that_is_dated_ahead_is_one_line(clone):
    config = write_config(clone, {"run": "mine", "collections": {"mine": {"path": "sets.gmt"}}})
    (clone / "sets.gmt").write_text("T cells\t\tCD3D\tCD3E\n")
    date(clone / "sets.gmt", YEAR)
    for how in (["-n"], ["--cores", "1"]):
        done = run_snakemake(clone, *how, SETS, *config)
        assert done.returncode == 1
        text = done.stdout + done.stderr
        [line] = [line for line in text.splitlines() if line and not line.startswith(PROFILE)]
        assert line.startswith("error: collections.mine.path: sets.gmt is dated ")
        assert line.endswith("touch sets.gmt")


def test_a_clock_that_was_put_back_makes_nothing_again(clone):
    config = write_config(clone, {"run": "mine", "collections": {"mine": {"path": "sets.gmt"}}})
    (clone / "sets.gmt").write_text("T cells\t\tCD3D\tCD3E\n")
    assert run_snakemake(clone, "--cores", "1", SETS, *config).returncode == 0
    date(clone / "results", YEAR)
    done = run_snakemake(clone, "--cores", "1", SETS, *config)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr
    assert "were dated later than now" in done.stderr
    assert (clone / SETS).stat().st_mtime <= time.time()


@pytest.mark.faults
@pytest.mark.xdist_group("miniature")
@pytest.mark.parametrize("shift", [YEAR, -30 * YEAR])
def test_results_of_another_time_lead_to_the_same_ones(finished, tmp_path, shift):
    """Dated ahead they are taken; where times are lost, what seems older than its input is made."""
    clone = copy_finished(finished, tmp_path / "clone")
    reference = checksums(clone / "results/demo")
    # Of those that are dated back every other one, so that inputs and outputs change places.
    for path in sorted((clone / "results/demo").rglob("*"))[:: 1 if shift > 0 else 2]:
        seconds = path.stat().st_mtime + shift
        os.utime(path, (seconds, seconds))
    done = run_snakemake(clone, "--cores", "2")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Nothing to be done" in said or shift < 0
    assert differences(checksums(clone / "results/demo"), reference) == []
