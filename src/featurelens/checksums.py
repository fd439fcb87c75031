"""Checksums of all that a run made, and in which files two runs differ.

    python -m featurelens.checksums results/demo > here.tsv
    python -m featurelens.checksums results/demo --against there.tsv

How long a job took is no result: columns and keys that say so (:data:`TIMED`) are left out of the
digest of the files that hold them. All other files count with all of their bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from featurelens.io import InputError, sha256_file

TIMED = "seconds"
"""Name of columns and keys that hold how long something took."""
ABOUT = ("logs", "benchmarks")
"""Folders of a run that say how it went."""
OWN = ("versions.tsv", "report.html")
"""Files of a run that say with what, or when, it was made."""
JOURNAL = "journal.log"
"""Name of the file in which a search notes its trials, with their times; its tables are results."""
HEAD = "file\tsha256"
_PAIR = re.compile(rf'"{TIMED}":\s*[-+.\deE]+')
"""As JSON inside a page of an atlas says it."""


def checksums(run: str | Path) -> dict[str, str]:
    """Digest of every result of a run, by its path below the run's folder.

    Raises
    ------
    InputError
        If there is no such folder, or it holds no result.
    """
    return {path: digest(Path(run, path)) for path in results_of(run)}


def results_of(run: str | Path) -> list[str]:
    """Paths of all results of a run, below its folder, in order.

    Raises
    ------
    InputError
        If there is no such folder, or it holds no result.
    """
    folder = Path(run)
    files = (file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file())
    found = [
        str(file)
        for file in files
        if file.parts[0] not in ABOUT and str(file) not in OWN and file.name != JOURNAL
    ]
    if not found:
        raise InputError(f"{folder}: no results of a run; name its folder, as results/demo")
    return found


def digest(file: str | Path) -> str:
    """SHA-256 of a file, in hex; of one that says how long something took, of the rest of it.

    Such a table counts as its other columns, in Arrow's form; JSON, also in pages, without the key,
    keys in their order.
    """
    file = Path(file)
    told = _READERS.get(file.suffix, _nothing)(file)
    return sha256_file(file) if told is None else hashlib.sha256(told).hexdigest()


def _nothing(file: Path) -> bytes | None:  # noqa: ARG001
    return None


def _parquet(file: Path) -> bytes | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if TIMED not in pq.read_schema(file).names:
        return None
    table = pq.read_table(file).drop_columns([TIMED]).replace_schema_metadata()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()


def _tsv(file: Path) -> bytes | None:
    lines = file.read_text().splitlines()
    head = lines[0].split("\t") if lines else []
    if TIMED not in head:
        return None
    timed = head.index(TIMED)
    rows = (line.split("\t") for line in lines)
    return "\n".join("\t".join(row[:timed] + row[timed + 1 :]) for row in rows).encode()


def _json(file: Path) -> bytes | None:
    text = file.read_text()
    return json.dumps(_untimed(json.loads(text))).encode() if f'"{TIMED}"' in text else None


def _json_lines(file: Path) -> bytes | None:
    lines = file.read_text().splitlines()
    return "\n".join(json.dumps(_untimed(json.loads(line))) for line in lines).encode()


def _page(file: Path) -> bytes | None:
    text = file.read_text()
    return _PAIR.sub("", text).encode() if _PAIR.search(text) else None


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untimed(part) for key, part in value.items() if key != TIMED}
    return [_untimed(part) for part in value] if isinstance(value, list) else value


_READERS = {
    ".parquet": _parquet,
    ".tsv": _tsv,
    ".json": _json,
    ".jsonl": _json_lines,
    ".js": _page,
    ".html": _page,
}


def differences(mine: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The files whose digests differ, and those that one of two runs lacks, a line each."""
    lines = []
    for path in sorted(mine.keys() | other.keys()):
        if path not in other:
            lines.append(f"{path}\tonly here")
        elif path not in mine:
            lines.append(f"{path}\tonly there")
        elif mine[path] != other[path]:
            lines.append(f"{path}\tdiffers")
    return lines


def read_checksums(path: str | Path) -> dict[str, str]:
    """Digests of another run: of its folder, or of a file that this module wrote of it.

    Raises
    ------
    InputError
        If it is neither.
    """
    path = Path(path)
    if path.is_dir():
        return checksums(path)
    try:
        head, *lines = path.read_text().splitlines()
        if head != HEAD:
            raise ValueError(head)
        return dict(line.split("\t") for line in lines)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: neither a run's folder nor its checksums; write them with "
            "`make verify RUN=results/demo > there.tsv`"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the checksums of a run; or the files that differ from another's, and return 1."""
    parser = argparse.ArgumentParser(prog="python -m featurelens.checksums", description=__doc__)
    parser.add_argument("run", help="folder of a run")
    parser.add_argument("--against", help="folder of another run, or file of its checksums")
    given = parser.parse_args(arguments)
    try:
        mine = checksums(given.run)
        other = None if given.against is None else read_checksums(given.against)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if other is None:
        lines = [HEAD, *(f"{path}\t{value}" for path, value in mine.items())]
        found = []
    else:
        found = differences(mine, other)
        lines = [*found, f"{len(mine)} files here, {len(other)} there, {len(found)} differ"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
