"""Print how much of each package the tests reach, from the JSON report of pytest-cov.

python -m benchmarks.coverage build/coverage.json
"""

import json
import sys
from collections import Counter
from pathlib import Path


def by_package(report: dict) -> list[tuple[str, int, int]]:
    """Package, lines, and those that ran, packages in order of their names."""
    lines: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    for name, file in report["files"].items():
        package = Path(name.partition("featurelens/")[2]).parts[0]
        lines[package] += file["summary"]["num_statements"]
        reached[package] += file["summary"]["covered_lines"]
    return [(package, lines[package], reached[package]) for package in sorted(lines)]


if __name__ == "__main__":
    print("| package | lines | reached |\n|---|---|---|")
    for package, total, hit in by_package(json.loads(Path(sys.argv[1]).read_text())):
        print(f"| `{package}` | {total} | {hit / max(total, 1):.0%} |")
