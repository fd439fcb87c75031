"""What the jobs of a run took beside what they had asked for, by rule.

    python -m featurelens.costs results/demo

Read from the last line of every log (:func:`featurelens.logs.describe_cost`), because what
Snakemake's benchmark files say of memory is not right (docs/snakemake.md). Times differ from run to
run: this is no result, and lies where :mod:`featurelens.checksums` does not look.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from featurelens.io import InputError, write_table
from featurelens.logs import COST

TABLE = "benchmarks/by_rule.tsv"
"""Below the folder of a run."""
MEGABYTE = 1e6 / 2**20
"""In MiB, of which logs speak."""
ALONG = 300
"""Megabytes of the two processes of Snakemake that start a script in a job of a cluster."""
OVER, NEAR = "over", "near"
"""Remarks: more memory than was asked for; on a cluster, where Snakemake comes along, there would
be."""
_SEEN = ("rule", "processor_seconds", "to_start", "peak_mb", "asked_mb", "seconds")


def read_costs(run: str | Path) -> pd.DataFrame:
    """One row a log of a run that says what its job took.

    Returns
    -------
    DataFrame
        rule, processor_seconds, to_start (of these, Python and imports), peak_mb, asked_mb (NaN of
        a job that asked for none), seconds (by the clock, imports left out). A job that was tried
        again has one log, that of the last attempt.
    """
    folder, rows = Path(run, "logs"), []
    for path in sorted(folder.rglob("*.log")):
        found = COST.match(_last_line(path))
        if found:
            rule = path.relative_to(folder).parts[0].removesuffix(".log")
            seconds, to_start, mib, asked, clock = (float(x or "nan") for x in found.groups())
            rows.append((rule, seconds, to_start, mib / MEGABYTE, asked, clock))
    return pd.DataFrame(rows, columns=list(_SEEN)).astype(dict.fromkeys(_SEEN[1:], float))


def by_rule(run: str | Path) -> pd.DataFrame:
    """What the jobs of every rule took, those of the most processor time first.

    Returns
    -------
    DataFrame
        rule, jobs, seconds and processor_seconds (sums), longest (seconds of the longest job);
        asked_mb, peak_mb and ratio of the job that came nearest to what it had asked for, or of the
        largest where none asked; remark (:data:`OVER` or :data:`NEAR`).

    Raises
    ------
    InputError
        If no log of the run says what its job took.
    """
    costs = read_costs(run)
    if costs.empty:
        raise InputError(f"{run}: no log says what its job took; name a run, as results/demo")
    costs["ratio"] = costs["peak_mb"] / costs["asked_mb"]
    of = costs.groupby("rule")
    table = of.agg(
        jobs=("rule", "size"),
        seconds=("seconds", "sum"),
        longest=("seconds", "max"),
        processor_seconds=("processor_seconds", "sum"),
    )
    tightest = costs.sort_values(["ratio", "peak_mb"], na_position="first").groupby("rule").tail(1)
    table = table.join(tightest.set_index("rule")[["asked_mb", "peak_mb", "ratio"]])
    table["remark"] = [
        OVER if peak > asked else NEAR if peak + ALONG > asked else ""
        for peak, asked in zip(table["peak_mb"], table["asked_mb"], strict=True)
    ]
    table = table.sort_values("processor_seconds", ascending=False, kind="stable").reset_index()
    tenths = dict.fromkeys(("seconds", "longest", "processor_seconds"), 1)
    return table.round({**tenths, "peak_mb": 0, "ratio": 2})


def write_costs(run: str | Path) -> tuple[Path, list[str]]:
    """Write :func:`by_rule` beside the times of a run; its path, and a line for what was over."""
    table, path = by_rule(run), Path(run, TABLE)
    write_table(table, path)
    over = table[table["remark"] == OVER]
    return path, [
        f"{row.rule} took {row.peak_mb:,.0f} MB, more than the {row.asked_mb:,.0f} it asked for"
        for row in over.itertuples()
    ]


def _last_line(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 400))
        lines = file.read().decode(errors="replace").splitlines()
    return lines[-1] if lines else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of a run."""
    parser = argparse.ArgumentParser(prog="python -m featurelens.costs", description=__doc__)
    parser.add_argument("run", help="folder of a run")
    given = parser.parse_args(arguments)
    try:
        table = by_rule(given.run)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(table.to_string(index=False, na_rep="") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
