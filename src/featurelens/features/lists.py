"""Lists of names in one cell of a table, made so that they can be taken apart again.

Names are separated by "; ", and "(down)" behind one marks a gene set whose genes fall. A name that
holds either itself stands in double quotes, as in a CSV file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SEPARATOR = "; "
DOWN = " (down)"

_QUOTED = r'"(?:[^"]|"")*"(?: \(down\))?'
_ENTRY = re.compile(rf"(?:^|{SEPARATOR})((?:{_QUOTED}|.+?)(?={SEPARATOR}|$))")


def entry(name: str, *, is_down: bool = False) -> str:
    """A name as it stands in a list.

    Examples
    --------
    >>> print(entry("B cells", is_down=True), entry("UV response (down)"), sep=" | ")
    B cells (down) | "UV response (down)"
    """
    if not name or name.startswith('"') or name.endswith((";", DOWN)) or SEPARATOR in name:
        doubled = name.replace('"', '""')
        name = f'"{doubled}"'
    return name + DOWN * is_down


def join(entries: Iterable[str]) -> str:
    """The text of a list."""
    return SEPARATOR.join(entries)


def entries(text: str) -> list[str]:
    """The entries of a list, as they stand in it.

    Examples
    --------
    >>> entries('"one; two" (down); three')
    ['"one; two" (down)', 'three']
    """
    return _ENTRY.findall(text)


def is_down(written: str) -> bool:
    """Whether an entry is of a gene set whose genes fall."""
    return written.endswith(DOWN)


def name_of(written: str) -> str:
    """The name in an entry, without quotes and mark.

    Examples
    --------
    >>> name_of('"UV response (down)"'), name_of('"UV response (down)" (down)')
    ('UV response (down)', 'UV response (down)')
    """
    name = written.removesuffix(DOWN)
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        name = name[1:-1].replace('""', '"')
    return name
