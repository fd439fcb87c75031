"""JSON that others wrote, read so that whatever is wrong with it is said in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from featurelens.io import InputError


def parse_json(
    text: str | bytes,
    path: str | Path,
    *,
    remedy: str,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """What a text in JSON says.

    Parameters
    ----------
    text
        The text, or its bytes, UTF-8.
    path
        Where it is from, for messages.
    remedy
        What to do where it cannot be read.
    pairs
        Makes an object of its names and values; by default the last of a name counts.

    Raises
    ------
    InputError
        If it is no JSON; or nested deeper than Python goes, or with a number of more digits than it
        reads, which are no faults of syntax.
    """
    try:
        return json.loads(text, object_pairs_hook=pairs)
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply to be read as JSON; {remedy}") from None
    except ValueError as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); {remedy}") from error


def read_object(path: str | Path, *, remedy: str, absent: str | None = None) -> dict[str, Any]:
    """The object in a file: names with values.

    Parameters
    ----------
    path
        The file.
    remedy
        What to do where it cannot be read.
    absent
        The same where there is no file; by default what ``remedy`` says.

    Raises
    ------
    InputError
        If it is not there, no JSON, or something else than an object.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; {absent or remedy}")
    content = parse_json(path.read_bytes(), path, remedy=remedy)
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise InputError(f"{path}: holds a {kind}, not names with values; {remedy}")
    return content
