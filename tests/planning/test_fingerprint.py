"""Fingerprints follow code that a script can load, and nothing else."""

import pytest

from featurelens.planning.fingerprint import Fingerprints


@pytest.fixture
def house(tmp_path):
    """A library of four modules and a registry, and one script."""
    files = {
        "featurelens/__init__.py": '_HOMES = {"a": "featurelens.lonely"}\n',
        "featurelens/lonely.py": "x = 1\n",
        "featurelens/used.py": "from featurelens.deep import f\n",
        "featurelens/deep.py": '"""About f."""\n\n\ndef f():\n    """Say one."""\n    return 1\n',
        "featurelens/found.py": 'KINDS = "featurelens.kinds"\n',
        "featurelens/kinds/__init__.py": "",
        "featurelens/kinds/one.py": "value = 1\n",
        "featurelens/kinds/two.py": "value = 2\n",
        "scripts/run.py": "from featurelens.used import f\ndef g():\n    import featurelens.found",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def of(**only):
        scripts, library = tmp_path / "scripts", tmp_path / "featurelens"
        return Fingerprints(scripts, library=library, cache=None).of("run", **only)

    return tmp_path / "featurelens", of


@pytest.mark.parametrize(
    ("name", "change", "is_seen"),
    [
        ("deep.py", "def f():\n    return 2\n", True),
        ("deep.py", "# a remark\ndef f():\n    return 1\n", False),
        ("lonely.py", "x = 2\n", False),
        ("found.py", 'KINDS = "featurelens.kinds"\nmore = 1\n', True),
        ("kinds/one.py", "value = 3\n", True),
        ("kinds/three.py", "value = 3\n", True),
        ("used.py", "from featurelens.lonely import x\n", True),
    ],
)
def test_a_change_is_seen_where_the_script_can_load_it(house, name, change, is_seen):
    library, of = house
    before = of()
    (library / name).write_text(change)
    assert (of() != before) is is_seen


def test_one_of_a_registry_can_be_named(house):
    library, of = house
    one, two = of(kinds="one"), of(kinds="two")
    (library / "kinds/two.py").write_text("value = 3\n")
    assert of(kinds="one") == one
    assert of(kinds="two") != two


def test_names_that_are_not_there_are_errors(house):
    _, of = house
    with pytest.raises(FileNotFoundError, match=r"kinds\.three"):
        of(kinds="three")


def test_the_cache_of_what_was_read_changes_no_answer(house, tmp_path):
    library, of = house
    cache = tmp_path / "cache.json"

    def cached():
        return Fingerprints(tmp_path / "scripts", library=library, cache=cache).of("run")

    assert cached() == of() == cached()
    assert cache.exists()
    (library / "deep.py").write_text("def f():\n    return 3\n")
    assert cached() == of()
