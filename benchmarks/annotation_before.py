"""The annotation of the benchmark by an earlier commit, in the same run as ours.

It works in a worktree and a process of its own, on the data that its own benchmark makes; its
tables are compared with ours column by column.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.demo import checked_out


def run_baseline(commit: str, scale: str, threads: int, ours: Path) -> dict:
    """The same steps of an earlier commit: its cost, and how far its tables are from ours."""
    with tempfile.TemporaryDirectory() as scratch:
        with checked_out(commit, Path(scratch) / "clone") as clone:
            script = Path(__file__).with_name("annotation_steps.py")
            found = Path(scratch) / "tables"
            found.mkdir()
            subprocess.run(
                [sys.executable, "-P", str(script), scale, str(threads), str(found)],
                cwd=clone,
                env=os.environ | {"PYTHONPATH": f"{clone / 'src'}:{clone}"},
                check=True,
            )
        cost = json.loads((found / "cost.json").read_text())
        minutes = {
            kind: round(sum(each[kind] for each in cost["seconds"].values()) / 60, 2)
            for kind in ("wall", "processor")
        }
        return {
            "commit": commit,
            "peak_gib": round(cost["peak_gib"], 2),
            "data_gib": round(cost["data_gib"], 2),
            "minutes": minutes["wall"],
            "processor_minutes": minutes["processor"],
            "differences": {
                path.stem: differences(path, found / path.name)
                for path in sorted(ours.glob("*.parquet"))
            },
        }


def differences(first: Path, second: Path) -> dict[str, float]:
    """Largest difference of every column of numbers that both have, of large ones relative."""
    largest: dict[str, float] = {}
    with parquet.ParquetFile(first) as one, parquet.ParquetFile(second) as other:
        names = [name for name in one.schema.names if name in other.schema.names]
        parts = (file.iter_batches(1_000_000, columns=names) for file in (one, other))
        for left, right in zip(*parts, strict=True):
            for name in names:
                if not pa.types.is_floating(left.schema.field(name).type):
                    continue
                values = [np.nan_to_num(part[name].to_numpy(False)) for part in (left, right)]
                size = np.maximum(1, np.abs(values[1]))
                apart = float((np.abs(values[0] - values[1]) / size).max(initial=0))
                largest[name] = max(largest.get(name, 0.0), apart)
    return largest


def against(result: dict) -> list[str]:
    """Lines on the baseline."""
    if "baseline" not in result:
        return []
    base = result["baseline"]
    apart = {
        f"{table} {name}": value
        for table, columns in base["differences"].items()
        for name, value in columns.items()
        if value
    }
    ours = result["both_processor_minutes"]
    return [
        f"Commit {base['commit']} in the same run: {base['minutes']} minutes for both conventions "
        f"({base['processor_minutes']} of the processor's, ours {ours}), "
        f"{base['peak_gib']} GiB ({base['data_gib']} of them for the making of the data). "
        f"Columns of its tables that differ from ours, by a share of numbers above one: "
        f"{apart or 'none'}.",
        "",
    ]
