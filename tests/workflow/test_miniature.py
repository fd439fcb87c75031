"""The whole study, made small and run: results, second run, growth, report, README."""

import os
import re
import subprocess
import sys
from functools import cache

import pandas as pd
import pytest
import yaml

from clones import ROOT, run_snakemake
from made_cells import cellxgene

FIGURES = (
    *("figure_1", "figure_2", "figure_3", "figure_S13", "figure_S14", "figure_S14c"),
    *(f"figure_S{number}" for number in (*range(1, 13), *range(15, 33))),
    *("figure_3_published", "figure_controls", "figure_steering"),
)

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("miniature")]


def results(folder, pattern):
    return sorted((folder / "results/demo").glob(pattern))


def points(folder):
    return pd.read_parquet(folder / "results/demo/sweeps/small/points.parquet")


def edit(folder, change):
    path = folder / "config/config.yaml"
    config = yaml.safe_load(path.read_text())
    change(config)
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def jobs(output):
    """Number of jobs of each rule in the job statistics that Snakemake prints first."""
    table = output.split("job ", 1)[1].split("total", 1)[0]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)", table, re.MULTILINE)}


def test_every_figure_is_there_in_both_formats(finished):
    names = {path.stem for path in results(finished, "figures/*.pdf")}
    assert names == set(FIGURES)
    for path in results(finished, "figures/*.png"):
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert path.stat().st_size > 10_000, path  # the least says what the miniature lacks


def test_every_planned_point_was_trained(finished):
    table = points(finished)
    # 3 architectures x 2 widths x 1 sparsity x 2 learning rates x 2 seeds
    assert len(table) == 24
    assert set(table["status"]) == {"ok"}


def test_every_claim_has_a_verdict(finished):
    claims = pd.read_csv(finished / "results/demo/tables/claims.tsv", sep="\t")
    assert set(claims["verdict"]) <= {"reproduced", "not reproduced", "not judged"}
    assert (claims["verdict"] != "not judged").sum() >= 10


def test_every_job_left_a_log(finished):
    assert len(results(finished, "logs/**/*.log")) > 30


def test_a_second_run_has_nothing_to_do(finished):
    done = run_snakemake(finished, "--cores", "2")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_growing_a_grid_trains_only_the_new_points(finished_copy):
    before = points(finished_copy).set_index("id")
    edit(finished_copy, lambda config: config["sweeps"]["small"]["grids"][0]["seed"].append(2))
    done = run_snakemake(finished_copy, "--cores", "2", "simulation")
    assert done.returncode == 0, done.stdout + done.stderr
    after = points(finished_copy).set_index("id")
    assert len(after) == 36
    pd.testing.assert_frame_equal(after.loc[before.index], before)
    scheduled = jobs(done.stdout + done.stderr)
    assert scheduled["train_stack"] == 3
    assert "train_autoencoder" not in scheduled
    # The miniature's store holds one line a point: nothing was trained twice.
    lines = [
        line
        for file in results(finished_copy, "sweeps/small/store/*/*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert len(lines) == 36

    edit(finished_copy, lambda config: config["sweeps"]["small"]["grids"][0]["seed"].remove(2))
    target = "results/demo/sweeps/small/points.parquet"
    done = run_snakemake(finished_copy, "--cores", "2", "--", target)
    assert done.returncode == 0, done.stdout + done.stderr
    pd.testing.assert_frame_equal(points(finished_copy).set_index("id"), before)


def readme_commands():
    """Every command line in the README's shell blocks."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


@cache
def run_once(folder, *arguments):
    """A command that the README names and another test looks at."""
    return run_snakemake(folder, *arguments)


@pytest.mark.parametrize("command", readme_commands())
def test_every_command_of_the_readme_works(finished, command, tmp_path):
    """Run as written in the finished clone; what would install or submit jobs is only planned.

    A user's own file is one of CELLxGENE's form, outside the clone.
    """
    if command.startswith(("git clone", "cd ", "conda ", "pip install")):
        pytest.skip("sets up a machine; the set-up itself is what runs these tests")
    if command.startswith("make "):
        done = subprocess.run(
            [*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return
    cellxgene(tmp_path / "my.h5ad")
    program, *arguments = command.replace("=my.h5ad", f"={tmp_path}/my.h5ad").split()
    if program == "snakemake":
        planned = {"--profile", "--configfile", "--config"} & set(arguments)
        done = run_once(finished, *arguments, *(["-n"] if planned else []))
    else:
        assert program == "python"
        environment = os.environ | {"PYTHONPATH": str(finished / "src")}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=finished,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_report_is_one_file_with_every_figure(finished):
    done = run_once(finished, "--report", "report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (finished / "report.html").read_text()
    for name in FIGURES:
        assert f"{name}.png" in text
    assert not re.search(r"""(?:src|href)=["']https?://""", text)
