"""Lines of a text file, plain or gzip, and what kind of file they seem to be."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

from featurelens.io import InputError

OBO = "an OBO ontology"
GAF = "a GAF annotation file"
DIRECT = "a table of direct annotations"
GMT = "a GMT file"

_GZIP = b"\x1f\x8b"
_SIGNS = (
    (OBO, re.compile(r"format-version:|ontology:|data-version:|\[Term\]")),
    (GAF, re.compile(r"!\s*gaf-version|([^\t]*\t){4}GO:\d{7}\t")),
    ("a GPAD annotation file", re.compile(r"!\s*(gpa|gpad)-version")),
    (DIRECT, re.compile(r"go_id\t")),
    ("NCBI's gene2go, of Entrez ids", re.compile(r"#?tax_id\tGeneID\tGO_ID")),
    ("a Git LFS pointer", re.compile(r"version https://git-lfs")),
    ("an XML file", re.compile(r"<\?xml(?!.*html)|<!DOCTYPE rdf|<rdf", re.IGNORECASE)),
    ("a web page", re.compile(r"<")),
    ("a JSON file", re.compile(r"[{\[]\s*(\"|$)")),
    (GMT, re.compile(r"[^\t]*\t")),
)


def read_lines(path: str | Path) -> Iterator[str]:
    """Lines of a text file without their ends; gzip is told by its first bytes, not by the name.

    A byte-order mark, which some editors put first, is dropped.

    Raises
    ------
    InputError
        If the file is missing, empty, no UTF-8 text, or a gzip file that breaks off.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path in the config")
    with path.open("rb") as handle:
        start = handle.read(2)
    if not start:
        raise InputError(f"{path}: is empty; download or write it again")
    try:
        with _open(path, compressed=start == _GZIP) as lines:
            is_empty = True
            for line in lines:
                is_empty = False
                yield line.rstrip("\r\n")
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: breaks off in the middle; download it again") from error
    except (UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: is not a text file ({error})") from error
    if is_empty:
        raise InputError(f"{path}: is empty; download or write it again")


def require_kind(path: str | Path, *expected: str, advice: str) -> str:
    """The kind that a file seems to be by its first line, one of those ``expected``.

    Raises
    ------
    InputError
        If it is another one; the message says which, and ends with the advice.
    """
    lines = read_lines(path)
    first = next((line for line in lines if line.strip() and not _is_remark(line)), "")
    kind = next((kind for kind, sign in _SIGNS if sign.match(first.lstrip(" "))), None)
    if kind not in expected:
        found = f"is {kind}" if kind else f"starts with {first[:40]!r}"
        raise InputError(f"{path}: {found}, not {' or '.join(expected)}; {advice}")
    return kind


def _is_remark(line: str) -> bool:
    is_comment = line.startswith("#") and "\t" not in line
    return is_comment or (line.startswith("!") and "-version" not in line)


def _open(path: Path, *, compressed: bool) -> TextIO:
    if compressed:
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")
