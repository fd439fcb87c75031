"""What `snakemake -n` takes, beside Snakemake itself on trivial rules of the same shape.

    python -m benchmarks.plan [--points 3000 10000] [--repeats 3] [--commit HEAD]

Plans of the default run, of the paper's config and of the default run with a sweep of so many
points: in stacks of one architecture, width and rate, which is what is recommended, and where asked
(``--single``) one point a job. The floor is a workflow with as many rules and jobs that depend on
each other in the same way, each with one input function, one file and a shell command.

Then what is done: the simulations of the default run with such a sweep, all of whose files are
there with Snakemake's records of them (``--touch`` on empty files), planned again: nothing to do.

Of every plan the least of some repeats counts, ours and the floor in turn, because other programs
of the machine only add. A planning that reads the shape comes first: modules are compiled and what
fingerprints remember is there. Memory is the peak of the process.
"""

import argparse
import copy
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from benchmarks.demo import checked_out

RESULTS = Path(__file__).parent / "results"
SHAPE = Path(__file__).with_name("plan_shape.py")
TO_REACH = {3000: (6.0, 400), 10_000: (15.0, None)}
"""Seconds and megabytes of a plan of so many points."""
AGAIN = 10.0
"""Seconds in which a plan finds that there is nothing to do."""
GRID = {
    "architecture": ["vanilla", "relu", "topk"],
    "expansion": [2, 5, 10, 20, 50, 100, 200],
    "l1": [0.1, 0.01, 0.001, 0.0001, 0.00001],
    "k": [1, 5, 10, 20, 50, 75, 100],
    "learning_rate": [0.01, 0.001, 0.0001, 0.00001],
    "epochs": 100,
}
PER_SEED = (5 + 5 + 7) * 7 * 4
"""Points of the grid for one seed: penalties of two architectures and shares of the third."""
STACK_BY = ["architecture", "expansion", "learning_rate"]
FLOOR = """
import json

JOBS = json.load(open("jobs.json"))

rule all:
    input: JOBS.pop("all", {}).get("0", [])

for name in JOBS:
    rule:
        name: name
        input: lambda wildcards, name=name: JOBS[name][wildcards.job]
        output: f"{name}/{{job}}.txt"
        wildcard_constraints: job="[0-9]+"
        shell: "touch {output}"
"""


def with_points(config: Mapping[str, Any], n_points: int, *, single: bool = False) -> dict:
    """A config whose sweep ``small`` has at least so many points."""
    changed = copy.deepcopy(dict(config))
    grid = GRID | {"seed": list(range(-(-n_points // PER_SEED)))}
    stack_by = [*STACK_BY, "l1", "k", "seed"] if single else STACK_BY
    changed["sweeps"]["small"] |= {"grids": [grid], "stack_by": stack_by}
    return changed


def of_simulations(config: Mapping[str, Any]) -> dict:
    """The part of the default run that reads no cells: what a file holds is not looked at."""
    kept = {key: config[key] for key in ("run", "simulations", "sweeps")}
    kept["sweeps"] = {
        name: sweep
        for name, sweep in config["sweeps"].items()
        if sweep["embedding"].partition("/")[0] in config["simulations"]
    }
    return kept


def cost(folder: Path, environment: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """One planning: seconds by the clock and of the processor, megabytes, jobs."""
    command = [sys.executable, "-m", "snakemake", "-n", *arguments]
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        clock = time.perf_counter() - began
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise SystemExit(f"{folder}: the plan failed\n{text[-4000:]}")
    jobs = re.search(r"^total +(\d+)", text, re.MULTILINE)
    return {
        "clock": clock,
        "processor": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss * 1024 / 1e6,
        "jobs": int(jobs[1]) if jobs else 0,
    }


def least(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The least that any of some runs took of each."""
    return {key: min(run[key] for run in runs) for key in runs[0]}


Jobs = list[tuple[str, list[int]]]
"""Rule of every job, and the numbers of those that it depends on."""


def write_floor(folder: Path, jobs: Jobs) -> None:
    """A workflow of trivial rules with the shape of a plan."""
    named = [f"{rule}/{number}.txt" for rule, number in _numbered(jobs)]
    inputs: dict[str, dict[int, list[str]]] = {}
    for (rule, number), (_, needed) in zip(_numbered(jobs), jobs, strict=True):
        inputs.setdefault(rule, {})[number] = [named[job] for job in needed]
    folder.mkdir()
    (folder / "Snakefile").write_text(FLOOR)
    (folder / "jobs.json").write_text(json.dumps(inputs))


def _numbered(jobs: Jobs) -> Iterator[tuple[str, int]]:
    """Rule of every job, and its number among those of its rule."""
    count: Counter[str] = Counter()
    for rule, _ in jobs:
        yield rule, count[rule]
        count[rule] += 1


class Bench:
    """A clone, and workflows of trivial rules beside it."""

    def __init__(self, clone: Path, scratch: Path, repeats: int) -> None:
        self.clone, self.scratch, self.repeats = clone, scratch, repeats
        self.environment = os.environ | {
            "PYTHONPATH": str(clone / "src"),
            "PYTHONPYCACHEPREFIX": str(scratch / "compiled"),
            "OMP_NUM_THREADS": "1",
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def planned(self, name: str, config: Mapping[str, Any], *, again: bool = False) -> dict:
        """What a plan of a config takes, and the floor; ``again`` when all of it is made."""
        file = self.scratch / f"{name.replace(' ', '-').replace(',', '')}.yaml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        found = json.loads(
            subprocess.run(
                [sys.executable, SHAPE, self.clone, file],
                env=self.environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        floor = self.scratch / file.stem
        write_floor(floor, found["jobs"])
        sides = {"ours": (self.clone, "--configfile", str(file)), "floor": (floor,)}
        about: dict[str, Any] = {"name": name, "jobs": len(found["jobs"]) - 1}
        about["rules"] = len({rule for rule, _ in found["jobs"]})
        if again:
            trivial = [f"{rule}/{job}.txt" for rule, job in _numbered(found["jobs"])]
            about["files"] = len(found["files"])
            self.finish(found["files"], *sides["ours"])
            self.finish([file for file in trivial if not file.startswith("all/")], floor)
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
        for _ in range(self.repeats):
            for side, (folder, *arguments) in sides.items():
                runs[side].append(cost(folder, self.environment, *arguments))
        for side, each in runs.items():
            about[side] = least(each)
            if again and about[side]["jobs"]:
                raise SystemExit(f"{name}: {about[side]['jobs']} jobs of {side} are not done")
        print(json.dumps(about), flush=True)
        return about

    def finish(self, files: list[str], folder: Path, *arguments: str) -> None:
        """Let every file be there and recorded."""
        for file in files:
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        command = [sys.executable, "-m", "snakemake", "--touch", "--forceall", "--cores", "1"]
        done = subprocess.run(
            [*command, *arguments], cwd=folder, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{folder}: --touch failed\n{done.stderr[-4000:]}")


def report(result: Mapping[str, Any]) -> str:
    """A page in Markdown."""
    bounds = "; ".join(
        f"{points:,} points in {seconds:g} s" + (f" and {megabytes} MB" if megabytes else "")
        for points, (seconds, megabytes) in TO_REACH.items()
    )
    lines = [
        "# Plans",
        "",
        f"`snakemake -n`, commit {result['commit']}, {result['date']}, {result['machine']} (load "
        f"{result['load']:.1f} at the start), Snakemake {result['snakemake']}, Python "
        f"{result['python']}; repeats: {result['repeats']}, of which the least counts. The floor "
        "is Snakemake on trivial rules of the same shape (`benchmarks/plan.py`). To reach: "
        f"{bounds}; nothing to do, found in {AGAIN:g} s.",
        "",
        "| plan | jobs | rules | processor, s | of the floor | x floor | clock, s | of the floor "
        "| MB | of the floor |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["plans"]:
        ours, floor = row["ours"], row["floor"]
        lines.append(
            f"| {row['name']} | {row['jobs']:,} | {row['rules']} | {ours['processor']:.1f} "
            f"| {floor['processor']:.1f} | {ours['processor'] / floor['processor']:.1f} "
            f"| {ours['clock']:.1f} | {floor['clock']:.1f} "
            f"| {ours['megabytes']:.0f} | {floor['megabytes']:.0f} |"
        )
    lines += [
        "",
        f"Snakemake alone, one rule of one job: {result['alone']['processor']:.1f} s of the "
        f"processor, {result['alone']['megabytes']:.0f} MB.",
    ]
    return "\n".join(lines) + "\n"


def measure(bench: Bench, points: list[int], single: list[int]) -> list[dict]:
    """Every plan."""
    default, paper = (
        yaml.safe_load((bench.clone / f"config/{name}.yaml").read_text())
        for name in ("config", "paper")
    )
    points, single = ([-(-n // PER_SEED) * PER_SEED for n in each] for each in (points, single))
    plans = [bench.planned("default run", default), bench.planned("paper", paper)]
    for n in points:
        plans.append(bench.planned(f"{n:,} points in stacks", with_points(default, n)))
    for n in single:
        config = with_points(default, n, single=True)
        plans.append(bench.planned(f"{n:,} points one a job", config))
    done = of_simulations(default)
    for name, asked, alone in (("in stacks", points, False), ("one a job", single, True)):
        for n in asked:
            config = with_points(done, n, single=alone) | {"run": f"done{n}{alone}"}
            title = f"nothing to do of {n:,} points {name}"
            plans.append(bench.planned(title, config, again=True))
    return plans


def main() -> None:
    """Measure, print and keep the page and its numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, nargs="*", default=[3000, 10_000])
    parser.add_argument("--single", type=int, nargs="*", default=[3000], help="one point a job")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the page")
    asked = parser.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", asked.commit], check=True, capture_output=True, text=True
    ).stdout.strip()
    result: dict[str, Any] = {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} threads, {platform.machine()}",
        "load": os.getloadavg()[0],
        "snakemake": version("snakemake"),
        "python": platform.python_version(),
        "commit": commit,
        "repeats": asked.repeats,
    }
    with (
        tempfile.TemporaryDirectory() as scratch,
        checked_out(commit, Path(scratch) / "clone") as clone,
    ):
        bench = Bench(clone, Path(scratch), asked.repeats)
        result["plans"] = measure(bench, asked.points, asked.single)
        write_floor(Path(scratch) / "alone", [("all", [1]), ("one", [])])
        alone = [cost(Path(scratch) / "alone", bench.environment) for _ in range(asked.repeats)]
        result["alone"] = least(alone)
    page = report(result)
    print(page)
    asked.results.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".json", json.dumps(result, indent=1) + "\n"), (".md", page)):
        (asked.results / "plan").with_suffix(suffix).write_text(text)


if __name__ == "__main__":
    main()
