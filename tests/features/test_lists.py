"""Lists in a cell of a table come apart into the names that went in, whatever these hold."""

import pytest

from featurelens.features import lists

NAMES = [
    "B cells",
    "one; two",
    "UV response (down)",
    "one; two (down)",
    '"quoted"',
    '"a"; "b" (down)',
    '"',
    "ends;",
    ";begins",
    "  spaces",
    "",
]


@pytest.mark.parametrize("downs", [False, True, None])
def test_names_come_back_with_their_directions(downs):
    pairs = [(name, bool(i % 2) if downs is None else downs) for i, name in enumerate(NAMES)]
    text = lists.join(lists.entry(name, is_down=down) for name, down in pairs)
    found = [(lists.name_of(each), lists.is_down(each)) for each in lists.entries(text)]
    assert found == pairs


def test_ordinary_names_stand_as_they_are():
    assert lists.join([lists.entry("a"), lists.entry("b", is_down=True)]) == "a; b (down)"
    assert lists.entries("") == []
    assert lists.entries("a; b (down); c") == ["a", "b (down)", "c"]
