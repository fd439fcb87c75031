"""What Snakemake prints last: where results are, or what failed, why, and how to go on."""

import re

import pandas as pd
import pytest

from clones import run_snakemake

pytestmark = pytest.mark.workflow

DATA = "results/demo/simulation/small/data.h5ad"
SCRIPT = "scripts/take_step.py"
FIRST = "    params = snakemake.params\n"


def breaks(clone, lines):
    """Let the script that simulates begin with some lines, once its log is open."""
    script = clone / SCRIPT
    text = script.read_text()
    assert FIRST in text
    script.write_text(text.replace(FIRST, lines + FIRST))


def costs_of(clone, rule):
    table = pd.read_csv(clone / "results/demo/benchmarks/by_rule.tsv", sep="\t")
    return table.set_index("rule").loc[rule]


def test_a_run_that_failed_says_what_why_and_how_to_go_on(clone):
    breaks(clone, '    raise RuntimeError("out of luck")\n')
    done = run_snakemake(clone, DATA, "--cores", "1")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    start = lines.index("failed: simulate (simulation=small)")
    assert lines[start + 1] == "  log: results/demo/logs/simulate/small.log"
    end = next(n for n in range(start + 2, len(lines)) if not lines[n].startswith("  | "))
    assert lines[end - 1] == "  | RuntimeError: out of luck"
    assert end - start - 2 <= 15
    assert lines[end] == (
        f"1 failed; what is finished is kept in results/demo. To go on: snakemake {DATA} --cores 1"
    )


def test_a_job_that_was_tried_again_is_named_and_its_memory_is_that_of_the_second_attempt(clone):
    once = clone / "once"
    breaks(
        clone,
        f"    from pathlib import Path\n    if not Path({str(once)!r}).exists():\n"
        f"        Path({str(once)!r}).touch()\n        raise MemoryError\n",
    )
    done = run_snakemake(clone, DATA, "--cores", "1", "--retries", "1")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    at = lines.index("done: results are in results/demo")
    assert lines[at - 2 : at] == [
        "tried again: simulate, 1 job",
        "memory and time by rule: results/demo/benchmarks/by_rule.tsv",
    ]
    first, second = map(int, re.findall(r"\bmem_mb=(\d+)", done.stderr))
    assert second == 2 * first
    cost = costs_of(clone, "simulate")
    assert cost["asked_mb"] == second
    assert cost["ratio"] == pytest.approx(cost["peak_mb"] / second, abs=0.006)
