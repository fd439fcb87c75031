"""What docs/tables.md explains, and the columns of the tables of a run."""

import re
from fnmatch import fnmatchcase

from pyarrow import parquet

from clones import ROOT

PAGE = ROOT / "docs/tables.md"


def documented(page):
    """Names of columns that a page explains: those in the first cell of a row of a table."""
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def undocumented(columns, known):
    """Columns that no name stands for, where a star stands for anything."""
    return {name for name in columns if not any(fnmatchcase(name, form) for form in known)}


def columns_of(results):
    """Columns of every table of a run, by its path below the results."""
    for path in sorted(results.rglob("*")):
        place = path.relative_to(results)
        if {"benchmarks", "logs"} & set(place.parts):
            continue  # Snakemake's own
        if path.suffix == ".tsv":
            with path.open() as file:
                yield place, file.readline().rstrip("\n").split("\t")
        elif path.suffix == ".parquet":
            yield place, parquet.ParquetFile(path).schema_arrow.names
