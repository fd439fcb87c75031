"""What mutated ontologies brought to light, each case by itself with what is right."""

import pytest

from featurelens.genesets.ontology import read_obo
from featurelens.io import InputError

ROOT = "format-version: 1.2\n[Term]\nid: GO:0000001\nname: root\n"
CHILD = "[Term]\nid: GO:0000002\nname: child\nis_a: GO:0000001\n"


def read(folder, text):
    path = folder / "a.obo"
    path.write_text(text)
    return read_obo(path)


def test_remarks_of_an_ontology(tmp_path):
    """A tab before the name of a parent, and a remark behind [Term], lose neither."""
    path = tmp_path / "a.obo"
    path.write_text(
        "format-version: 1.2\n[Term]\nid: GO:0000001\nname: root\n"
        "[Term] ! the second\nid: GO:0000002\nname: a\tb\nis_a: GO:0000001\t! root\n"
    )
    terms = read_obo(path).terms
    assert terms["GO:0000002"].is_a == ("GO:0000001",)
    assert terms["GO:0000002"].name == "a b"  # a tab would part it in two where it is handed on


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("relationship:", "line 9: 'relationship' needs a relation and a term"),
        ("relationship: part_of", "line 9: 'relationship' needs a relation and a term"),
        ("relationship: part_of ! root", "line 9: 'relationship' needs a relation and a term"),
        ("is_a:", "line 9: 'is_a' needs one word"),
        ("is_a: ! root", "line 9: 'is_a' needs one word"),
        ('is_a: {source="GOC:x"} ! root', "line 9: 'is_a' needs one word"),
        ("alt_id: ", "line 9: 'alt_id' needs one word"),
        ("name:", "line 9: 'name' needs a name"),
        ("is_obsolete: tru", "line 9: 'is_obsolete' needs true or false"),
    ],
)
def test_a_tag_without_its_value(tmp_path, line, said):
    """The parent, or that the term is obsolete, went unread."""
    with pytest.raises(InputError, match=rf"a\.obo: {said}; the file breaks off or is damaged"):
        read(tmp_path, f"{ROOT}{CHILD}{line}\n")


def test_a_term_whose_first_line_is_lost(tmp_path):
    """The one above it took its parents, and it was missing."""
    with pytest.raises(
        InputError, match=r"GO:0000001 has 'id' twice, 'GO:0000002' too; a \[Term\]"
    ):
        read(tmp_path, ROOT + CHILD.removeprefix("[Term]\n"))
    with pytest.raises(InputError, match="GO:0000002 has 'name' twice, 'daughter' too"):
        read(tmp_path, f"{ROOT}{CHILD}name: daughter\n")


def test_remarks_behind_any_word(tmp_path):
    """They became a part of the id, or let an obsolete term stay in use."""
    made = read(
        tmp_path,
        ROOT + "[Term]\nid: GO:0000002 ! child\nname: child\nnamespace: x ! y\n"
        'is_a: GO:0000001{source="GOC:x"}\nalt_id: GO:0000022 ! of old\n'
        "[Term]\nid: GO:0000003\nname: old\nis_obsolete: true ! since 2020\n"
        "is_obsolete: true\nreplaced_by: GO:0000002 ! child\n",
    )
    assert made.terms["GO:0000002"].is_a == ("GO:0000001",)
    assert made.terms["GO:0000002"].namespace == "x"
    assert made.alternative == {"GO:0000022": "GO:0000002"}
    assert made.obsolete == {"GO:0000003": "GO:0000002"}
