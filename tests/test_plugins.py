"""Things found by listing, and what is read of them without loading them."""

import sys

import pytest

from featurelens.plugins import brought_files, load, names, part, stated


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package of two modules and a folder, and another package that brings two more."""
    files = {
        "library/__init__.py": "",
        "library/shelf/__init__.py": "",
        "library/shelf/one.py": "import nowhere\nENTRY = Entry(number=1, name='a', f=print)",
        "library/shelf/two.py": "ENTRY = 2",
        "library/shelf/three/__init__.py": "",
        "library/shelf/three/fit.py": "value = 3",
        "library/shelf/_hidden.py": "",
        "library/shelf/notes.txt": "",
        "elsewhere/__init__.py": "",
        "elsewhere/four.py": "value = 4",
        "elsewhere/five/__init__.py": "",
        "elsewhere/five/fit.py": "value = 5",
        "elsewhere-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: elsewhere\nVersion: 1\n",
        "elsewhere-1.0.dist-info/entry_points.txt": (
            "[shelf.test]\nfour = elsewhere.four\nfive = elsewhere.five\none = elsewhere.four\n"
        ),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield "library.shelf"
    for name in [name for name in sys.modules if name.split(".")[0] in ("library", "elsewhere")]:
        del sys.modules[name]


def test_modules_and_folders_have_names_without_being_loaded(shelf):
    assert names(shelf) == ("one", "three", "two")
    assert names(shelf, group="shelf.test") == ("five", "four", "one", "three", "two")
    assert not {"library", "library.shelf", "elsewhere"} & set(sys.modules)


def test_a_module_is_loaded_by_its_name_and_the_packages_own_first(shelf):
    assert load(shelf, "two").ENTRY == 2
    assert load(shelf, "four", group="shelf.test").value == 4
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        load(shelf, "one", group="shelf.test")
    with pytest.raises(LookupError, match=r"no .six. in .*; there are five, four, one"):
        load(shelf, "six", group="shelf.test")


def test_a_folder_has_parts_and_a_module_is_all_of_them(shelf):
    assert part(load(shelf, "three"), "fit").value == 3
    assert part(load(shelf, "four", group="shelf.test"), "fit").value == 4


def test_literals_of_an_entry_are_read_without_loading_it(shelf):
    assert stated(shelf, "one", "ENTRY") == {"number": 1, "name": "a"}
    assert "nowhere" not in sys.modules
    with pytest.raises(LookupError, match=r"two\.py has no ENTRY"):
        stated(shelf, "two", "ENTRY")


def test_files_of_what_others_bring(shelf, tmp_path):
    five = brought_files(shelf, "five", group="shelf.test")
    assert five == [tmp_path / "elsewhere/five/__init__.py", tmp_path / "elsewhere/five/fit.py"]
    assert brought_files(shelf, "four", group="shelf.test") == [tmp_path / "elsewhere/four.py"]
    assert brought_files(shelf, "one", group="shelf.test") == []
