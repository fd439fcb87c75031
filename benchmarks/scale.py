"""What `scfeaturelens` takes of memory and time as the cells grow: own cells, without nulls.

    python -m benchmarks.scale [--cells 100000 1000000] [--commit HEAD] [--cores 2]

Made cells (``scale_data``) of 2,000 genes, 5 % of them counted in a cell, and 50 dimensions; an SAE
of 2,000 features, 500 gene sets. Every size runs the whole target in a worktree of the commit.
Memory is the proportional set size of Snakemake and all its jobs together, sampled from
``/proc``: what they share counts once, what the system may drop from its cache of files does not
count. Snakemake is told how much there is (``--resources mem_mb``), so that it starts no second
job beside one that is planned to need it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import pandas as pd
import yaml

from benchmarks.demo import by_rule, checked_out
from benchmarks.memory_of_tree import Sampler
from benchmarks.scale_data import Shape, write_cells, write_sets

RESULTS = Path(__file__).parent / "results"
GIB = 2**30
MOST_GIB, MOST_RATIO = 4.0, 1.3
"""What is to be reached: peak memory, and time per cell in relation to that of fewer cells."""


def config(cells: Path, sets: Path, shape: Shape) -> dict:
    """A run on own cells; two passes over them train the SAE, however many there are."""
    return {
        "run": "scale",
        "datasets": {
            "made": {
                "cells": {"kind": "h5ad", "path": str(cells), "cell_type": "cell_type"},
                "models": {"given": {"kind": "precomputed", "key": "X_emb"}},
            }
        },
        "saes": {
            "topk": {
                "architecture": "topk",
                "expansion": shape.n_features // shape.d,
                "k": 5,
                "learning_rate": 0.001,
                "epochs": 2,
            }
        },
        "collections": {"made": {"path": str(sets)}},
        "dge": {"expression": "measured"},
        "enrichment": {"n_permutations": 0},
    }


def run(clone: Path, config_file: Path, cores: int) -> dict:
    """The whole target from nothing: seconds, peak of all processes, peak of each rule."""
    command = [sys.executable, "-m", "snakemake", "scfeaturelens"]
    command += ["--cores", str(cores), "--configfile", str(config_file)]
    command += ["--resources", f"mem_mb={int(MOST_GIB * GIB / 1e6)}"]
    log = config_file.with_suffix(".log")
    began = time.perf_counter()
    with log.open("w") as out:
        job = subprocess.Popen(
            command,
            cwd=clone,
            env=os.environ | {"PYTHONPATH": str(clone / "src")},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        with Sampler(job.pid) as sampler:
            job.wait()
    if job.returncode:
        raise SystemExit(f"{clone}: the run failed\n{log.read_text()[-4000:]}")
    rules = by_rule(clone)
    rules["pss_gib"] = rules["rule"].map(sampler.by_script).fillna(0) / GIB
    return {
        "seconds": time.perf_counter() - began,
        "peak_gib": sampler.peak / GIB,
        "rules": rules.to_dict("records"),
    }


def costs(each: dict) -> tuple[float, float]:
    """Seconds of the clock, and of the processor in all jobs: other work disturbs them less."""
    return each["seconds"], sum(row["seconds"] for row in each["rules"])


def report(result: dict) -> str:
    """A page in Markdown."""
    runs = result["runs"]
    first = runs[0]
    shape = result["shape"]
    lines = [
        "# Many cells",
        "",
        f"`scfeaturelens` without nulls, commit {result['commit']}, {result['date']}, "
        f"{result['machine']}, {result['cores']} cores given. {shape['n_genes']:,} genes, "
        f"{shape['filled']:.0%} of them counted in a cell, {shape['d']} dimensions, "
        f"{shape['n_features']:,} features, {shape['n_terms']} gene sets "
        "(`benchmarks/scale_data.py`). Memory is that of all processes together.",
        "",
        "| cells | seconds | ms a cell | of that of the first | jobs' processor, s | ms a cell "
        "| of that of the first | peak, GiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in runs:
        row = [f"{each['cells']:,}"]
        for total, before in zip(costs(each), costs(first), strict=True):
            per_cell, of_first = 1000 * total / each["cells"], 1000 * before / first["cells"]
            row += [f"{total:,.0f}", f"{per_cell:.3f}", f"{per_cell / of_first:.2f}"]
        lines.append(f"| {' | '.join(row)} | {each['peak_gib']:.2f} |")
    lines += ["", f"To reach: {MOST_GIB:g} GiB, {MOST_RATIO:g} times the time per cell.", ""]
    for each in runs:
        lines += [
            f"## {each['cells']:,} cells",
            "",
            "| rule | jobs | processor, s | peak, GiB |",
            "|---|---|---|---|",
            *(
                f"| {row.rule} | {row.n} | {row.seconds:.1f} "
                f"| {max(row.pss_gib, row.peak_mib / 1024):.2f} |"
                for row in pd.DataFrame(each["rules"]).itertuples()
            ),
            "",
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print and keep the page and its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the page")
    asked = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", asked.commit], check=True, capture_output=True, text=True
    ).stdout.strip()
    shape = Shape()
    result = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} threads, {platform.machine()}",
        "commit": commit,
        "cores": asked.cores,
        "shape": asdict(shape),
        "runs": [],
    }
    for n_cells in asked.cells:
        with (
            tempfile.TemporaryDirectory() as scratch,
            checked_out(commit, Path(scratch) / "clone") as clone,
        ):
            folder = Path(scratch)
            write_cells(folder / "cells.h5ad", replace(shape, n_cells=n_cells))
            write_sets(folder / "sets.gmt", shape)
            config_file = folder / "config.yaml"
            content = config(folder / "cells.h5ad", folder / "sets.gmt", shape)
            config_file.write_text(yaml.safe_dump(content))
            result["runs"].append({"cells": n_cells} | run(clone, config_file, asked.cores))
        print(report(result), flush=True)
    asked.results.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".json", json.dumps(result, indent=1) + "\n"), (".md", report(result))):
        (asked.results / "scale").with_suffix(suffix).write_text(text)


if __name__ == "__main__":
    main()
