"""The rules of a config and what they read of one another, drawn.

    python -m benchmarks.rule_graph [--config config/paper.yaml] [--to docs/rule_graph.png]

One box a rule, with its number of jobs, a lane a stage, from left to right as rules need each
other. A line is left out where another way leads along it. What feeds tables, figures or the atlas
bears their mark in place of a line to each of them. It plans in a fresh clone, with nothing made.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.demo import checked_out
from featurelens.planning.steps import read_steps

ROOT = Path(__file__).parent.parent
SHAPE = Path(__file__).with_name("plan_shape.py")
LANES = {
    "inputs": ("inputs", "downloads"),
    "simulations": ("simulation", "autoencoder", "recovery"),
    "sweeps": ("sweeps",),
    "cells": ("datasets", "embeddings"),
    "SAEs and their features": ("sae", "controls", "features"),
    "steering": ("steering",),
    "genes": ("dge",),
    "gene sets": ("genesets", "enrichment"),
    "concepts": ("concepts",),
}
"""Stages by the names of their rule files, and of the rooms of steps."""
SHOWN = {"T": "tabulate_", "F": "draw_", "A": "build_atlas"}
"""Marks of what shows results, and how their rules begin."""
NAMED = {"T": "tables", "F": "figures", "A": "atlas"}
COLOURS = {"T": "#0072B2", "F": "#D55E00", "A": "#009E73"}
WIDTH, HEIGHT, GAP_X, GAP_Y = 1.36, 0.62, 0.34, 0.14
"""Of a box and between boxes, in inches."""


@dataclass
class Graph:
    """Rules that compute, by name."""

    jobs: Mapping[str, int]
    reads: Mapping[str, set[str]]
    marks: Mapping[str, list[str]]
    shown: Counter[str] = field(default_factory=Counter)
    """Jobs that show results, by their mark."""


def rule_files() -> dict[str, str]:
    """Stage of every rule: the file that it stands in, or the room of its step."""
    found = {step.name: step.home.split(".")[1] for step in read_steps()}
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        for name in re.findall(r"^rule (\w+):", path.read_text(), re.MULTILINE):
            found[name] = path.stem
    return found


def stage(rule: str, files: Mapping[str, str]) -> str:
    """Stage of a rule; those made in a loop begin with words of their file's."""
    if rule in files:
        return files[rule]
    begins = {"measure_": "sweeps", "collect_": "sweeps", "test_": "dge", "enrich_": "enrichment"}
    return next(file for begin, file in begins.items() if rule.startswith(begin))


def mark_of(rule: str, files: Mapping[str, str]) -> str | None:
    """The mark of a rule that shows results."""
    if rule in ("judge_claims", "list_features") or rule.startswith("tabulate_"):
        return "T"
    if rule == "list_atlas" or rule.startswith("build_atlas"):
        return "A"
    return "F" if rule.startswith("draw_") and files.get(rule) != "controls" else None


def read_graph(jobs: list[tuple[str, list[int]]], files: Mapping[str, str]) -> Graph:
    """Rules from jobs, without those that show results or name targets."""
    count = Counter(rule for rule, _ in jobs if rule != "all")
    marks = {rule: mark_of(rule, files) for rule in count}
    core = {rule: n for rule, n in count.items() if marks[rule] is None}
    reads: dict[str, set[str]] = {rule: set() for rule in core}
    marked: dict[str, set[str]] = {rule: set() for rule in core}
    for (rule, _), needed in zip(jobs, _reduced([needed for _, needed in jobs]), strict=True):
        if rule in core:
            reads[rule] |= {jobs[job][0] for job in needed}
    for rule, needed in jobs:
        if mark := marks.get(rule):
            for source in {jobs[job][0] for job in needed} & core.keys():
                marked[source].add(mark)
    shown = Counter[str]()
    for rule, n in count.items():
        if mark := marks[rule]:
            shown[mark] += n
    ordered = {rule: [mark for mark in SHOWN if mark in marked[rule]] for rule in core}
    return Graph(core, reads, ordered, shown)


def _reduced(needed: list[list[int]]) -> list[set[int]]:
    """What every job needs, but for what it needs by way of another."""
    behind: dict[int, set[int]] = {}

    def all_behind(job: int) -> set[int]:
        if job not in behind:
            behind[job] = {each for near in needed[job] for each in (near, *all_behind(near))}
        return behind[job]

    return [
        {one for one in near if not any(one in all_behind(other) for other in near)}
        for near in needed
    ]


def places(graph: Graph, files: Mapping[str, str]) -> tuple[dict, list[tuple[str, float, float]]]:
    """Left and upper edge of every box, and name, top and height of every lane."""
    readers: dict[str, list[str]] = {rule: [] for rule in graph.jobs}
    for rule, sources in graph.reads.items():
        for source in sources:
            readers[source].append(rule)

    def depth(rule: str) -> int:
        return 1 + max((depth(source) for source in graph.reads[rule]), default=-1)

    def column(rule: str) -> int:
        """As near as may be to the first that reads it."""
        return min(map(column, readers[rule]), default=depth(rule) + 1) - 1

    found: dict[str, tuple[float, float]] = {}
    lanes, top = [], 0.0
    for name, stages in LANES.items():
        own = [rule for rule in graph.jobs if stage(rule, files) in stages]
        if not own:
            continue
        rows: list[set[int]] = []
        for rule in sorted(own, key=column):
            first = min(map(column, graph.reads[rule]), default=-1)
            # A line to a box must not run behind another one of its row.
            between = set(range(first + 1, column(rule) + 1))
            row = next((n for n, taken in enumerate(rows) if not taken & between), len(rows))
            rows += [set()] * (row == len(rows))
            rows[row] = rows[row] | {column(rule)}
            y = top + GAP_Y + row * (HEIGHT + GAP_Y)
            found[rule] = (column(rule) * (WIDTH + GAP_X), y)
        height = len(rows) * (HEIGHT + GAP_Y) + GAP_Y
        lanes.append((name, top, height))
        top += height
    return found, lanes


def draw(graph: Graph, files: Mapping[str, str], to: Path, title: str) -> None:
    """Write the picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import FancyBboxPatch, PathPatch
    from matplotlib.path import Path as Curve

    boxes, lanes = places(graph, files)
    left, head = 1.15, 0.8
    width = left + max(x for x, _ in boxes.values()) + WIDTH + 0.2
    height = head + sum(height for *_, height in lanes)
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-left, width - left), ylim=(height - head, -head))
    axes.axis("off")
    for number, (name, top, tall) in enumerate(lanes):
        if number % 2 == 0:
            axes.axhspan(top, top + tall, color="#F3F3F3", zorder=0)
        axes.text(0.1 - left, top + tall / 2, textwrap.fill(name, 12), va="center")
    for rule, sources in graph.reads.items():
        x, y = boxes[rule]
        for source in sources:
            start, up = boxes[source][0] + WIDTH, boxes[source][1] + HEIGHT / 2
            end, down = start + GAP_X, y + HEIGHT / 2
            points = [(start, up), (end, up), (start, down), (end, down), (x, down)]
            curve = Curve(points, [Curve.MOVETO, *[Curve.CURVE4] * 3, Curve.LINETO])
            axes.add_patch(PathPatch(curve, fill=False, color="#8A8A8A", lw=1.1, zorder=1))
    for rule, (x, y) in boxes.items():
        shape = FancyBboxPatch(
            (x, y), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.08", zorder=2
        )
        shape.set(facecolor="white", edgecolor="#444444", linewidth=1)
        axes.add_patch(shape)
        first, _, rest = rule.partition("_")
        lines = rule if len(rule) < 15 else f"{first}_\n{rest}"
        axes.text(x + 0.07, y + 0.21, lines, va="center", fontsize=9.5, zorder=3, linespacing=1)
        said = f"{graph.jobs[rule]:,} job{'s' * (graph.jobs[rule] > 1)}"
        axes.text(x + 0.07, y + 0.5, said, va="center", fontsize=8, color="#555555", zorder=3)
        for place, mark in enumerate(reversed(graph.marks[rule])):
            _mark(axes, x + WIDTH - 0.13 - 0.2 * place, y + 0.49, mark)
    axes.text(0.1 - left, 0.25 - head, title, va="center", fontsize=12, fontweight="bold")
    along = 0.2 - left
    for mark, name in NAMED.items():
        _mark(axes, along, 0.55 - head, mark)
        axes.text(
            along + 0.15,
            0.55 - head,
            f"read by {name} ({graph.shown[mark]:,} jobs)",
            va="center",
            fontsize=9,
        )
        along += 2.4
    figure.savefig(to, dpi=130)


def _mark(axes, x: float, y: float, mark: str) -> None:
    axes.text(
        *(x, y, mark),
        ha="center",
        va="center",
        fontsize=6.5,
        color="white",
        fontweight="bold",
        zorder=4,
        bbox={"boxstyle": "circle,pad=0.18", "facecolor": COLOURS[mark], "edgecolor": "none"},
    )


def main() -> None:
    """Plan, and draw what is planned."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="config/paper.yaml")
    parser.add_argument("--to", type=Path, default=ROOT / "docs/rule_graph.png")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        checked_out("HEAD", Path(scratch) / "clone") as clone,
    ):
        command = [sys.executable, SHAPE, clone, clone / asked.config]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    jobs = json.loads(done.stdout)["jobs"]
    files = rule_files()
    graph = read_graph(jobs, files)
    draw(graph, files, asked.to, f"Rules of {asked.config}: {len(jobs) - 1:,} jobs")
    print(f"{len(graph.jobs)} rules of {len(jobs) - 1} jobs are drawn in {asked.to}")


if __name__ == "__main__":
    main()
