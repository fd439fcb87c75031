"""config/laptop.yaml with and without the cells that not everybody has."""

import re
from importlib.util import find_spec

import pytest

from clones import PROFILE, ROOT, run_snakemake

pytestmark = pytest.mark.workflow

FACS = ROOT.parent / "shared/data/cells/pbmc_facs.h5ad"
needs_facs = pytest.mark.skipif(not FACS.exists(), reason=f"{FACS.name} is not at hand")
LAPTOP = ("--configfile", "config/laptop.yaml")
LINE = "left out of this run: 'datasets.facs', 'sweeps.facs-nmf', 'sweeps.facs-scvi'"


def jobs(done):
    """Number of jobs of every rule, as a dry run lists them."""
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.split("Job stats:")[-1]
    rows = re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)
    return {rule: int(number) for rule, number in rows}


def test_without_the_file_one_line_says_so_and_the_rest_is_planned(clone):
    done = run_snakemake(clone, "-n", "--quiet", "rules", *LAPTOP)
    found = jobs(done)
    assert LINE in next(line for line in done.stderr.splitlines() if not line.startswith(PROFILE))
    assert found["train_stack"] >= 30
    assert not found.keys() & {
        "prepare_cells",
        "embed_cells",
        "measure_held_out_stack",
        "train_sae",
    }
    alone = run_snakemake(clone, "-n", "cell_sweeps", *LAPTOP)
    assert alone.returncode == 0
    assert set(jobs(alone)) <= {"cell_sweeps", "total"}


@pytest.fixture
def with_facs(clone):
    (clone / "resources").mkdir()
    (clone / "resources/pbmc_facs.h5ad").symlink_to(FACS)
    return clone


@needs_facs
def test_with_the_file_its_sweeps_are_planned_alone_and_with_the_rest(with_facs):
    alone = run_snakemake(with_facs, "-n", "cell_sweeps", "--quiet", "rules", *LAPTOP)
    assert "left out" not in alone.stderr
    # Two embeddings; for each two architectures times two widths.
    assert jobs(alone) == {
        "prepare_cells": 1, "embed_cells": 2, "train_stack": 8, "collect_sweep": 2,
        "measure_held_out": 2, "tabulate_cell_sweeps": 1,
        "draw_figure_S14": 1, "cell_sweeps": 1, "total": 18,
    }  # fmt: skip
    found = jobs(run_snakemake(with_facs, "-n", "--quiet", "rules", *LAPTOP))
    assert found["train_stack"] >= 30 + 8
    assert {"train_sae", "steer_cells", "enrich_features", "draw_controls"} <= set(found)


@needs_facs
@pytest.mark.skipif(find_spec("scvi") is not None, reason="scvi-tools is installed here")
def test_without_scvi_tools_the_run_stops_before_its_first_job(with_facs):
    done = run_snakemake(with_facs, "--cores", "1", *LAPTOP)
    assert done.returncode != 0
    [line] = [line for line in done.stderr.splitlines() if "datasets.facs.models.scvi" in line]
    assert "needs the package scvi-tools" in line
    assert "pip install '.[scvi]'" in line
    assert "go without" in line
    assert not (with_facs / "results").exists()
    # What does not need the model runs.
    rest = run_snakemake(with_facs, "results/laptop/config.yaml", "--cores", "1", *LAPTOP)
    assert rest.returncode == 0, rest.stdout + rest.stderr
