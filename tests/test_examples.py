"""Examples in docstrings, run: what they print is what the functions give."""

import doctest
import importlib
import re

import pytest

from clones import ROOT

LIBRARY = ROOT / "src/featurelens"
MODULES = sorted(
    ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)
    for path in LIBRARY.rglob("*.py")
    if re.search(r"^\s+>>> (?!.*SKIP)", path.read_text(), re.MULTILINE)
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    done = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert done.attempted > 0
    assert done.failed == 0
