"""docs/letter.md: every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/letter.md"


def test_every_test_that_the_page_names_exists():
    named = file = None
    missing, n_named = [], 0
    for named in re.findall(r"`((?:tests/[\w/]+\.py)?::\w+)`", PAGE.read_text()):
        path, _, name = named.rpartition("::")
        file = path or file
        n_named += 1
        if f"def {name}(" not in (ROOT / file).read_text():
            missing.append(f"{file}::{name}")
    assert not missing
    assert n_named >= 18


def test_every_difference_names_a_test():
    table = PAGE.read_text().split("## What hung on each")[0]
    rows = [line for line in table.splitlines() if re.match(r"\| \d", line)]
    numbers = " ".join(row.split("|")[1].strip() for row in rows)
    assert numbers == "1 2 3 4 5 6 7a 7b 7c 7d 8"
    assert all("::" in row for row in rows)
