"""Text as editors and systems write it, and taken apart again without the library."""

import csv
import gzip
import io
import re

from hypothesis import strategies as st


def written(draw, lines):
    """Lines as bytes: any end of lines, with or without the last one, a byte-order mark, gzip."""
    end = draw(st.sampled_from(["\n", "\r\n", "\n"]))
    text = end.join(lines) + (end if draw(st.booleans()) else "")
    raw = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + text.encode()
    return gzip.compress(raw, mtime=0) if draw(st.booleans()) else raw


def text_of(data):
    """The text of a file, packed or not, its line ends as they are."""
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")


def lines_of(data):
    """Its lines, whatever ends them."""
    return re.split(r"\r\n|\r|\n", text_of(data))


def rows_of(data, separator):
    """Its rows as csv has them, however long a field is, without empty lines."""
    text = text_of(data)
    limit = csv.field_size_limit(len(text) + 1)  # pandas has none
    try:
        return [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row
        ]
    finally:
        csv.field_size_limit(limit)
