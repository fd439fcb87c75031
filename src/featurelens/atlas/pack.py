"""Columns of numbers as text that a page reads without parsing it number by number.

A pack is JSON: ``columns`` maps a name to its type, the byte it begins at and its length, and
``bytes`` holds all of them in base64, little-endian, each at a multiple of four. What else a pack
is given stands beside them as plain JSON.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

TYPES = ("u1", "u2", "u4", "f4")
"""Types of columns; numbers of two bytes and more are little-endian."""


def pack(columns: Mapping[str, NDArray], **plain: Any) -> dict[str, Any]:
    """Columns (one-dimensional arrays of one of :data:`TYPES`) in one text.

    Raises
    ------
    ValueError
        If a column has another type or shape.
    """
    places: dict[str, list[Any]] = {}
    parts: list[bytes] = []
    at = 0
    for name, column in columns.items():
        kind = f"{column.dtype.kind}{column.dtype.itemsize}"
        if kind not in TYPES or column.ndim != 1:
            raise ValueError(f"{name}: {column.dtype} of shape {column.shape} is no column")
        raw = column.astype(f"<{kind}").tobytes()
        places[name] = [kind, at, len(column)]
        parts.append(raw + bytes(-len(raw) % 4))
        at += len(parts[-1])
    return {**plain, "columns": places, "bytes": base64.b64encode(b"".join(parts)).decode()}


def unpack(packed: Mapping[str, Any]) -> dict[str, NDArray]:
    """The columns of :func:`pack`, as the page reads them."""
    raw = base64.b64decode(packed["bytes"])
    return {
        name: np.frombuffer(raw, dtype=f"<{kind}", offset=at, count=count)
        for name, (kind, at, count) in packed["columns"].items()
    }


def smallest_unsigned(most: int) -> str:
    """The smallest type that holds every whole number up to ``most``."""
    return next(kind for kind in ("u1", "u2", "u4") if most <= np.iinfo(kind).max)


def whole(values: ArrayLike, most: int) -> NDArray:
    """Whole numbers from 0 to ``most`` in the smallest type that holds them."""
    return np.asarray(values).astype(smallest_unsigned(max(most, 0)))


def gaps(numbers: NDArray) -> NDArray[np.uint8]:
    """Ascending whole numbers as the steps between them, seven bits a byte, low bits first.

    Examples
    --------
    5 and 305: the steps are 5 and 300 = 0b10_0101100, whose low seven bits are 44 (+128: more).

    >>> gaps(np.array([5, 305])).tolist()
    [5, 172, 2]
    """
    steps = np.diff(np.asarray(numbers, dtype=np.int64), prepend=0).astype(np.int64)
    rows = []
    while True:
        rows.append(steps & 127)
        steps = steps >> 7
        if not steps.any():
            break
    digits = np.stack(rows, axis=1) if rows else np.zeros((0, 1), dtype=np.int64)
    length = np.maximum(1, digits.shape[1] - (digits[:, ::-1] != 0).argmax(axis=1))
    length[~digits.any(axis=1)] = 1
    column = np.arange(digits.shape[1])
    more = column < length[:, None] - 1
    return (digits + 128 * more)[column < length[:, None]].astype(np.uint8)


def from_gaps(coded: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The numbers of :func:`gaps`."""
    numbers, step, shift, last = [], 0, 0, 0
    for byte in coded.tolist():
        step |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            last += step
            numbers.append(last)
            step = shift = 0
    return np.array(numbers, dtype=np.int64)


def as_text(value: Any) -> str:
    r"""JSON that may stand in a script of a page: no tag, no line separator, no NaN.

    Examples
    --------
    >>> print(as_text({"</script>": float("nan")}))
    {"\u003c/script>":null}
    """
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's, numbers that are none as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
