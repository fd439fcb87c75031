"""Embeddings in files of their own: numbers as Python reads them, or one line."""

import gzip
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.precomputed.files import read_embedding
from featurelens.embeddings.models.precomputed.names import HEADERS, read_names
from fuzzed import fuzzed, outcome
from mutations import spoilt, strange_arrays
from spelling import lines_of, rows_of, written

COMMAS = b"cell,d0,d1\nAAAC-1,0.5,-1\nAAAG-1,2.25,1e-3\nTTTT-1,-7,0\n"
TABS = b"\td0\td1\r\nAAAC-1\t0.5\t-1\r\nAAAG-1\t2.25\t3\r\n"
SEMICOLONS = b'"cell";"a";"b"\n"AAAC-1";0,5;-1,0\n"AAAG-1";2,25;3,0\n'
CELLS = ["AAAC-1", "AAAG-1", "TTTT-1", "1", "nan", "NA", "007", "c 1", "é"]
NUMBER = st.sampled_from([0.5, -1.0, 2.25, 1e-3, 123456.75, 0.0, -7.0])


def number(text):
    return float(text.strip().strip('"'))


def plain_table(data, separator, decimal="."):
    rows = rows_of(data, separator)
    width = max(map(len, rows))  # R's header names no names
    rows = [row for row in rows[1:] if row != [""]]
    rows = [row + [""] * (width - len(row)) for row in rows]
    return {
        row[0]: [number(field.replace(decimal, ".")) if field else np.nan for field in row[1:]]
        for row in rows
    }


@fuzzed(250)
@given(data=spoilt(COMMAS, TABS, SEMICOLONS, pieces=[b"0,5", b"1.5.2", b"-", b"TRUE", b"1e5"]))
def test_a_spoilt_table(data, folder):
    path = folder / "s.csv"
    path.write_bytes(data)
    made = outcome(lambda: read_embedding(PrecomputedModel(path=str(path))), path)
    if made is None:
        return
    header = lines_of(data)[0]
    separator = max(",;\t", key=header.count)
    try:
        expected = plain_table(data, separator)
    except ValueError:
        try:
            expected = plain_table(data, separator, decimal=",")
        except ValueError:
            return  # numbered rows, numbers that pandas alone reads, ...
    if set(expected) == set(made.names):
        for name, values in zip(made.names, made.values, strict=True):
            np.testing.assert_allclose(values, expected[name], rtol=1e-6)


@fuzzed(100)
@given(data=st.data())
def test_a_table_in_any_spelling(data, folder):
    """Separators, quotes, decimal commas, ends of lines, a byte-order mark, gzip."""
    draw = data.draw
    names = draw(st.lists(st.sampled_from(CELLS), min_size=2, max_size=5, unique=True))
    values = [[draw(NUMBER), draw(NUMBER)] for _ in names]
    values[0][0] = 1 + values[1][0]  # not the same in all cells
    separator = draw(st.sampled_from([",", ";", "\t"]))
    decimal = draw(st.sampled_from([".", ","])) if separator == ";" else "."
    head = draw(st.sampled_from(["", "cell", "index"]))
    quote = draw(st.booleans())
    rows = [[head, "d0", "d1"], *([name, *row] for name, row in zip(names, values, strict=True))]
    lines = [
        separator.join(
            str(field).replace(".", decimal)
            if isinstance(field, float)
            else f'"{field}"'
            if quote
            else field
            for field in row
        )
        for row in rows
    ]
    path = folder / draw(st.sampled_from(["a.csv", "a.tsv", "a.csv.gz"]))
    path.write_bytes(written(draw, lines))
    made = outcome(lambda: read_embedding(PrecomputedModel(path=str(path))), path)
    assert made.names.tolist() == names
    np.testing.assert_allclose(made.values, values, rtol=1e-6)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2) / 4
ARCHIVE = io.BytesIO()
np.savez(ARCHIVE, z=MATRIX)


@fuzzed(200)
@given(
    data=spoilt(
        npy(MATRIX),
        npy(MATRIX.astype("f8").T.copy().T),
        ARCHIVE.getvalue(),
        pieces=[
            b"(9999999999, 2)",
            b"<f2",
            b"|O",
            b"<U3",
            b"('a', '<f4')",
            b"'fortran_order': True",
            b"(",
            b"0x",
        ],
    )
)
def test_a_spoilt_array(data, folder):
    check_array(folder, data)


@fuzzed(60)
@given(arrays=strange_arrays({"z": MATRIX}))
def test_an_array_of_another_form(arrays, folder):
    for array in arrays.values():
        check_array(folder, npy(array))


def check_array(folder, data):
    path, names = folder / "s.npy", folder / "names.txt"
    path.write_bytes(data)
    names.write_text("AAAC-1\nAAAG-1\nTTTT-1\n")
    model = PrecomputedModel(path=str(path), names=str(names))
    made = outcome(lambda: read_embedding(model), path)
    if made is not None:
        expected = np.load(io.BytesIO(data))
        assert made.names.tolist() == ["AAAC-1", "AAAG-1", "TTTT-1"]
        np.testing.assert_array_equal(made.values, expected.astype(np.float32))


@fuzzed(100)
@given(
    data=spoilt(
        b"barcode\nAAAC-1\nAAAG-1\n", b'"x"\r\n"AAAC-1"\r\n"AAAG-1"\r\n\r\n', b"AAAC-1\nAAAG-1"
    )
)
def test_a_spoilt_list_of_names(data, folder):
    path = folder / "s.txt"
    path.write_bytes(data)
    made = outcome(lambda: read_names(str(path), 2), path)
    if made is not None:
        lines = [line.strip().strip("\"'").strip() for line in lines_of(data)]
        found = [line for line in lines if line]
        if len(found) == 3 and found[0].lower() in HEADERS:
            found = found[1:]
        assert made.tolist() == found


def test_gzip_is_told_by_its_bytes(folder):
    """A plain file that is called .gz, and a packed one that is not."""
    for name, data in (("a.csv.gz", COMMAS), ("a.csv", gzip.compress(COMMAS))):
        (folder / name).write_bytes(data)
        made = read_embedding(PrecomputedModel(path=str(folder / name)))
        assert made.values.tolist() == [[0.5, -1], [2.25, np.float32(1e-3)], [-7, 0]]
