"""What a config may be made of: YAML also knows dates, bytes, sets, and names that are no text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from featurelens.io import InputError

DEEPEST = 40
"""Blocks in blocks; a config has no more than ten, one that contains itself has no end."""


def require_plain(config: Any) -> None:
    """Raise :class:`InputError` for every part of a config that is no text, number, list or block.

    Examples
    --------
    >>> import datetime
    >>> require_plain({"run": datetime.date(2026, 1, 31)})
    Traceback (most recent call last):
    featurelens.io.InputError: config: 'run' is the date 2026-01-31; put it in quotes
    """
    if not isinstance(config, Mapping):
        raise InputError(f"config: holds {_called(config)}, not keys with values; write run: name")
    lines = list(_strangers(config, ""))
    if lines:
        raise InputError(*(f"config: {line}" for line in lines))


def _strangers(part: Any, key: str, depth: int = 0) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"'{key[:60]}...' is nested in itself, or too deeply; write it out"
    elif isinstance(part, Mapping):
        for name, value in part.items():
            if isinstance(name, bool) or not isinstance(name, (str, int)):
                yield f"'{key}' has {_called(name)} for a key; put it in quotes"
            else:
                yield from _strangers(value, f"{key}.{name}" if key else str(name), depth + 1)
    elif isinstance(part, (list, tuple)):
        for place, value in enumerate(part):
            yield from _strangers(value, f"{key}[{place}]", depth + 1)
    elif isinstance(part, float) and not math.isfinite(part):
        yield f"'{key}' is {part}; write a finite number"
    elif isinstance(part, str) and not _is_encodable(part):
        yield f"'{key}' is {part!r}, which is no text that a file can hold; write it again"
    elif part is not None and not isinstance(part, (str, int, float)):
        yield f"'{key}' is {_called(part)}; put it in quotes"


def _called(value: Any) -> str:
    """A value with its type, as a user calls it."""
    return "nothing" if value is None else f"the {type(value).__name__} {str(value)[:40]}"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
