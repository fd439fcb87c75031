"""The annotation of the benchmark as a checkout of its own does it, in a process of its own.

    PYTHONPATH=CHECKOUT/src:CHECKOUT python benchmarks/annotation_steps.py SCALE THREADS FOLDER

Runs ``benchmarks.annotation.run_ours`` of that checkout on the data that it makes itself, and
leaves its tables and ``cost.json`` (seconds by step, peak memory in GiB) in the folder.
"""

import json
import sys
from pathlib import Path

from benchmarks import annotation


def main(name: str, threads: str, folder: str) -> None:
    """Run the steps."""
    scale, clock = annotation.SCALES[name], annotation.Clock()
    data = annotation.make(scale)
    made = annotation.peak_gib()
    _, peak = annotation.run_ours(data, scale, Path(folder), int(threads), clock)
    cost = {"seconds": clock.seconds, "peak_gib": peak, "data_gib": made}
    (Path(folder) / "cost.json").write_text(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
