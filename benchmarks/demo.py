"""What the default run takes: processor time by rule, and in relation to an earlier commit.

    python -m benchmarks.demo [--baseline COMMIT] [--runs 3] [--cores 2] [--configfile FILE]

Both commits run in worktrees of their own, in turn, with the packages of this environment, so that
they find the same machine and the same kernels on disk: a run before the first that counts compiles
them. Processor time is that of Snakemake and of all its jobs, as the system counts it. Its parts
are what every job writes last into its log; the remainder is Snakemake itself, Python's end, and
jobs of commits whose logs do not say it.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from importlib.metadata import version
from itertools import product
from pathlib import Path
from statistics import median

import pandas as pd

from featurelens.costs import MEGABYTE, read_costs

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
TARGET = 0.4
"""Share of the baseline's wall and processor time that the default run may take."""


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """A worktree of a commit, removed afterwards."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def run(clone: Path, arguments: list[str]) -> dict[str, float]:
    """One run from nothing: wall and processor seconds of Snakemake and its jobs."""
    shutil.rmtree(clone / "results", ignore_errors=True)
    shutil.rmtree(clone / ".snakemake", ignore_errors=True)
    before, began = _children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=clone,
        env=os.environ | {"PYTHONPATH": str(clone / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{clone}: the run failed\n{done.stderr[-4000:]}")
    return {"wall": time.perf_counter() - began, "processor": _children() - before}


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def by_rule(clone: Path) -> pd.DataFrame:
    """Jobs, processor seconds, those to start, and peak MiB of every rule, from the logs."""
    table = pd.concat([read_costs(logs.parent) for logs in clone.glob("results/*/logs")])
    table = table.assign(seconds=table["processor_seconds"], peak_mib=table["peak_mb"] * MEGABYTE)
    jobs = table.groupby("rule").agg(
        n=("rule", "size"),
        seconds=("seconds", "sum"),
        to_start=("to_start", "sum"),
        peak_mib=("peak_mib", "max"),
    )
    return jobs.sort_values("seconds", ascending=False).reset_index()


def measure(commits: dict[str, str], runs: int, arguments: list[str]) -> dict:
    """Every run of every commit, and the parts of the last run of the first commit."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in commits}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        clones = {
            name: stack.enter_context(checked_out(commit, Path(scratch) / name))
            for name, commit in commits.items()
        }
        for attempt, (name, clone) in product(range(runs + 1), clones.items()):
            cost = run(clone, arguments)
            label = f"run {attempt}" if attempt else "to warm up"
            print(f"{name} ({commits[name]}), {label}: {_shown(cost)}", flush=True)
            if attempt:
                taken[name].append(cost)
        rules = by_rule(clones["now"])
    return {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} threads, {platform.machine()}",
        "packages": {name: version(name) for name in ("snakemake", "numpy", "torch")},
        "commits": commits,
        "arguments": arguments,
        "runs": taken,
        "rules": rules.to_dict("records"),
    }


def _shown(cost: dict[str, float]) -> str:
    return f"{cost['wall']:.0f} s by the clock, {cost['processor']:.0f} s of processor time"


def report(result: dict) -> str:
    """A page in Markdown."""
    runs = result["runs"]
    medians = {
        name: {key: median(cost[key] for cost in costs) for key in costs[0]}
        for name, costs in runs.items()
    }
    lines = [
        "# The default run",
        "",
        f"`snakemake {' '.join(result['arguments'])}`; medians of {len(runs['now'])} runs, "
        f"{result['date']}, {result['machine']}.",
        "",
        "| commit | wall, s | processor, s |",
        "|---|---|---|",
    ]
    for name, cost in medians.items():
        commit = result["commits"][name]
        lines.append(f"| {name} ({commit}) | {cost['wall']:.1f} | {cost['processor']:.1f} |")
    if "baseline" in medians:
        ratios = [medians["now"][key] / medians["baseline"][key] for key in ("wall", "processor")]
        lines.append(f"| ratio (at most {TARGET}) | {ratios[0]:.3f} | {ratios[1]:.3f} |")
    total = medians["now"]["processor"]
    rules = pd.DataFrame(result["rules"])
    lines += [
        "",
        "| rule | jobs | processor, s | of it to start, s | peak, MiB |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.rule} | {row.n} | {row.seconds:.1f} | {row.to_start:.1f} | {row.peak_mib:.0f} |"
        for row in rules.itertuples()
    ]
    rest = total - rules["seconds"].sum()
    lines.append(f"| Snakemake, and Python's end | {rules['n'].sum()} | {rest:.1f} | | |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and keep the page and its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baseline", help="commit to compare with; none by default")
    parser.add_argument("--commit", default="HEAD", help="commit to measure")
    parser.add_argument("--runs", type=int, default=3, help="runs that count, of each commit")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--configfile", type=Path, help="instead of the default run's config")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the page")
    asked = parser.parse_args()
    arguments = ["--cores", str(asked.cores)]
    if asked.configfile:
        arguments += ["--configfile", str(asked.configfile.resolve())]
    commits = {"now": asked.commit} | ({"baseline": asked.baseline} if asked.baseline else {})
    commits = {name: _short(commit) for name, commit in commits.items()}
    result = measure(commits, asked.runs, arguments)
    page = report(result)
    print(page)
    asked.results.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".json", json.dumps(result, indent=1) + "\n"), (".md", page)):
        (asked.results / "demo").with_suffix(suffix).write_text(text)


def _short(commit: str) -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", commit]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
