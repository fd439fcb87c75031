"""Hypothesis strategies that spoil files: bytes, lines, columns, parts of JSON, arrays."""

import gzip
import math

import numpy as np
from hypothesis import strategies as st

PIECES = [
    *(b"\t", b"\n", b"\r", b"\r\n", b"\n\n", b",", b";", b"|", b'"', b"'", b"#", b"!", b":", b" "),
    *(b"\x00", b"\x0b", b"\x0c", b"\x1b[31m", b"\x1c", b"\x7f", b"\x80", b"\xff", b"\xed\xa0\x80"),
    *("\ufeff".encode(), "\x85".encode(), "\u2028".encode(), "\xa0".encode(), "é".encode()),
    *(b"-1", b"0", b"1e999", b"nan", b"NaN", b"inf", b"-0", b"9" * 30, b"9" * 5000, b"1_0", b"0x1"),
    *(b"[", b"]", b"{", b"}", b"{}", b"[]", b"null", b"true", b"[" * 3000, b"{" * 400),
    *(b'{"a":' * 3000, b"A" * 140000, b"\t" * 300),
    *(b"\\ud800", b"\\", b"\\n", b"- ", b"? ", b"&a ", b"*a", b"!!", b"%", b"<html>"),
    *(b"---\n", b"<<: "),
    *(b"GO:0000001", b"GO:9999999", b"[Term]\n", b"id: ", b"is_a: "),
]  # fmt: skip
"""What is put in: marks of the forms, and what breaks programs that read them."""

FEW = st.sampled_from([1, 1, 1, 2, 3])
"""Steps by which a file is spoilt."""


@st.composite
def spoilt(draw, *samples, pieces=()):
    """Bytes of one of the files, spoilt by one to three steps; some of them packed by gzip."""
    data = draw(st.sampled_from(samples))
    for _ in range(draw(FEW)):
        step = draw(st.sampled_from(_STEPS))
        data = step(draw, data, samples, [*PIECES, *pieces])
    if draw(st.integers(0, 15)) == 0:
        data = gzip.compress(data, mtime=0)
        if draw(st.booleans()):
            data = draw(st.sampled_from(_OF_BYTES))(draw, data, samples, PIECES)
    return data


def _place(draw, data):
    return draw(st.integers(0, max(len(data) - 1, 0)))


def _span(draw, data):
    start = _place(draw, data)
    return start, start + draw(st.integers(0, 40))


def _flip(draw, data, *_):
    place = _place(draw, data)
    return data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]


def _cut(draw, data, *_):
    start, end = _span(draw, data)
    return data[:start] + data[end:]


def _end(draw, data, *_):
    return data[: _place(draw, data)]


def _insert(draw, data, _samples, pieces):
    place = _place(draw, data)
    return data[:place] + draw(st.sampled_from(pieces)) + data[place:]


def _repeat(draw, data, *_):
    start, end = _span(draw, data)
    return data[:end] + data[start:end] + data[end:]


def _splice(draw, data, samples, _pieces):
    other = draw(st.sampled_from(samples))
    return data[: _place(draw, data)] + other[_place(draw, other) :]


def _lines(draw, data, *_):
    """Two lines exchanged, one of them repeated, taken away or without its end."""
    lines = data.splitlines(keepends=True) or [b""]
    first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    how = draw(st.sampled_from(["exchange", "repeat", "remove", "join"]))
    if how == "exchange":
        lines[first], lines[second] = lines[second], lines[first]
    elif how == "repeat":
        lines.insert(second, lines[first])
    elif how == "remove":
        del lines[first]
    else:
        lines[first] = lines[first].rstrip(b"\r\n")
    return b"".join(lines)


def _columns(draw, data, *_):
    """Two columns exchanged, or one emptied, taken away or repeated, in a line or in all."""
    separator = draw(st.sampled_from([b"\t", b",", b";"]))
    lines = data.split(b"\n")
    chosen = draw(st.one_of(st.none(), st.integers(0, len(lines) - 1)))
    first, second = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    how = draw(st.sampled_from(["exchange", "empty", "remove", "repeat"]))
    for number, line in enumerate(lines):
        fields = line.split(separator)
        if chosen not in (None, number) or max(first, second) >= len(fields):
            continue
        if how == "exchange":
            fields[first], fields[second] = fields[second], fields[first]
        elif how == "empty":
            fields[first] = b""
        elif how == "remove":
            del fields[first]
        else:
            fields.insert(second, fields[first])
        lines[number] = separator.join(fields)
    return b"\n".join(lines)


_OF_BYTES = (_flip, _cut, _end, _insert, _repeat)
_STEPS = (*_OF_BYTES, _insert, _splice, _lines, _lines, _columns, _columns)

STRANGE = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 7, 2**31, 2**63, 10**30, 0.5, 1e308, math.inf, math.nan),
        *("", "x", "topk", "none", "1", "1e-3", "~/x", "a b", "../x", "é"),
        *("\ud800", "a\nb", "\x1b["),
        *([], {}, [[]], [None], ["x"], [1, "x"], {"a": 1}, {"kind": "x"}, {"": None}, [0.5, 0.5]),
    ]
)  # fmt: skip
"""What may stand where something else is meant."""


@st.composite
def strange(draw, content, values=STRANGE):
    """A copy of nested mappings and lists with one to three parts replaced, renamed or lost."""
    for _ in range(draw(FEW)):
        places = list(_places(content))
        content = _changed(draw, content, draw(st.sampled_from(places)), values)
    return content


def _places(content, path=()):
    yield path
    items = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, value in items:
        yield from _places(value, (*path, key))


def _changed(draw, content, path, values):
    if not path:
        how = draw(st.sampled_from(["replace", "add", "add"]))
        if how == "add" and isinstance(content, dict):
            key = draw(st.sampled_from(["x", "", "kind", "path", "type", "k", "\x1b", 0]))
            return content | {key: draw(values)}
        return draw(values)
    key, *rest = path
    copy = dict(content) if isinstance(content, dict) else list(content)
    if rest:
        copy[key] = _changed(draw, copy[key], rest, values)
        return copy
    how = draw(st.sampled_from(["replace", "replace", "remove", "inside", "rename"]))
    if how == "remove":
        del copy[key]
    elif how == "inside":
        copy[key] = draw(st.sampled_from([[copy[key]], {"a": copy[key]}, str(copy[key])]))
    elif how == "rename" and isinstance(copy, dict):
        name = draw(st.sampled_from([str(key) + "s", str(key)[1:], str(key).upper(), "kind"]))
        return {name if each == key else each: value for each, value in copy.items()}
    else:
        copy[key] = draw(values)
    return copy


KINDS = ["float64", "float32", "float16", "int64", "int32", "bool", "uint8"]


@st.composite
def strange_arrays(draw, arrays):
    """Arrays by name, one to three of them of another shape, type, value or name, or lost."""
    made = dict(sorted(arrays.items()))
    for _ in range(draw(FEW)):
        if not made:
            break
        name = draw(st.sampled_from(sorted(made)))
        array = np.asarray(made[name])
        how = draw(st.sampled_from(["shape", "shape", "type", "value", "remove", "rename", "add"]))
        if how == "shape":
            made[name] = reshaped(draw, array)
        elif how == "type":
            kind = draw(st.sampled_from(KINDS))
            with np.errstate(all="ignore"):
                made[name] = array.astype(kind)
        elif how == "value" and array.size:
            flat = array.astype(array.dtype if array.dtype.kind == "f" else float).ravel()
            value = draw(st.sampled_from([np.nan, np.inf, -np.inf, 0, -1, 1e30, 1e-30]))
            place = draw(st.integers(0, flat.size - 1))
            with np.errstate(all="ignore"):
                flat[place] = value
            made[name] = flat.reshape(array.shape)
        elif how == "remove":
            del made[name]
        elif how == "rename":
            made[draw(st.sampled_from(["x", name + ".x", name.upper()]))] = made.pop(name)
        else:
            made[draw(st.sampled_from(["x", "W_skip", "threshold", "k", "Q"]))] = array
    return made


def reshaped(draw, array):
    ways = [
        lambda a: a.T,
        lambda a: a.ravel(),
        lambda a: a[None],
        lambda a: a[..., None],
        lambda a: a[:-1] if a.ndim else a,
        lambda a: a[:1] if a.ndim else a,
        lambda a: a[:0] if a.ndim else a,
        lambda a: a[..., :-1] if a.ndim else a,
        lambda a: a.ravel()[0] if a.size else a,
        lambda a: np.concatenate([a, a]) if a.ndim else a,
        lambda a: np.diag(a) if a.ndim == 1 else a,
    ]
    return np.ascontiguousarray(draw(st.sampled_from(ways))(array))
