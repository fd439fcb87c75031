"""Sets of one's own in YAML and JSON."""

import pytest

from featurelens.genesets.read import read_sets
from featurelens.genesets.sets import GeneSets
from featurelens.io import InputError

YAML = """\
red cells: [HBA1, HBB, HBB]
odd names:
  description: oddities|a notebook
  genes: [NO, 1E5, MARCH1, "TRUE"]
"""

JSON = """\
{"red cells": ["HBA1", "HBB"],
 "odd names": {"description": "oddities|a notebook", "genes": ["NO", "1E5", "MARCH1", "TRUE"]}}
"""

EXPECTED = GeneSets(
    names=("red cells", "odd names"),
    descriptions=("", "oddities|a notebook"),
    genes=(("HBA1", "HBB"), ("NO", "1E5", "MARCH1", "TRUE")),
)


@pytest.mark.parametrize(("name", "text"), [("a.yaml", YAML), ("a.yml", YAML), ("a.json", JSON)])
def test_both_forms_read_the_same(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert read_sets(path) == EXPECTED


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    path = tmp_path / "editor.gmt"
    path.write_text("\ufeffred cells\t\tHBB\n", encoding="utf-8")
    assert read_sets(path).names == ("red cells",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "- HBA1\n- HBB\n", "holds a list; expected a mapping of set names to lists"),
        ("a.yaml", "# nothing\n", "holds nothing; expected a mapping"),
        ("a.json", "{}", "holds no gene set"),
        ("a.yaml", "a: [X]\nb: [Y]\na: [Z]\n", "'a' is named twice"),
        ("a.json", '{"a": ["X"], "a": ["Y"]}', "'a' is named twice"),
        ("a.yaml", "a: X, Y\n", "set 'a' holds str 'X, Y', not a list of genes"),
        ("a.yaml", "a: []\n", "set 'a' has no name or no gene"),
        ("a.yaml", "a: [X, '']\n", "entry 2 of set 'a' is nothing"),
        ("a.yaml", "a: [X, [Y]]\n", "entry 2 of set 'a' is a list"),
        ("a.json", '{"a": ["X", 7]}', "entry 2 of set 'a' is int 7"),
        ("a.yaml", "a: {gene: [X]}\n", "set 'a' has the key 'gene'; known: description, genes"),
        ("a.yaml", "a: {genes: [X], genes: [Y]}\n", "'genes' is named twice"),
        ("a.yaml", "a: {description: x}\n", "set 'a' holds nothing, not a list"),
        ("a.yaml", "a: [X\n", "is not valid"),
        ("a.json", "{", "cannot be read as JSON"),
        ("a.yaml", "<html></html>", "is a web page"),
        ("a.yaml", 'a: ["X\\tY"]\n', "has a tab, a line break or"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=f"{name}: .*{message}") as caught:
        read_sets(path)
    assert "\n" not in str(caught.value)
