"""Fingerprints follow code that a script can load, and nothing else."""

import ast
import json

import pytest

from clones import ROOT
from featurelens.planning.fingerprint import Fingerprints

LIBRARY = ROOT / "src/featurelens"
SCRIPTS = ROOT / "scripts"


@pytest.fixture
def house(tmp_path):
    """A library of four modules and a registry, and one script."""
    files = {
        "featurelens/__init__.py": '_HOMES = {"a": "featurelens.lonely"}\n',
        "featurelens/lonely.py": "x = 1\n",
        "featurelens/used.py": "from featurelens.deep import f\n",
        "featurelens/deep.py": '"""About f."""\n\n\ndef f():\n    """Say one."""\n    return 1\n',
        "featurelens/deep/style.css": "a {}",
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
        ("deep/style.css", "b {}", True),
        ("deep/more.css", "a {}", True),
        ("lonely/style.css", "a {}", False),
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
    (library / name).parent.mkdir(exist_ok=True)
    (library / name).write_text(change)
    assert (of() != before) is is_seen


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ("import featurelens.deep as d\n", True),
        ("from featurelens import deep\n", True),
        ("def f():\n    class A:\n        import featurelens.deep\n", True),
        ("if TYPE_CHECKING:\n    import featurelens.deep\n", False),
        ("if typing.TYPE_CHECKING:\n    x = 1\nelse:\n    import featurelens.deep\n", True),
        ('name = "featurelens.deep"\n', True),
        ('"""featurelens.deep"""\n', False),
        ('name = "featurelens"\n', False),
        ('name = "Deeper, see featurelens.deep"\n', False),
    ],
)
def test_every_way_to_name_a_module_is_followed(house, text, loads):
    library, of = house
    (library / "used.py").write_text(text)
    before = of()
    (library / "deep.py").write_text("def f():\n    return 2\n")
    assert (of() != before) is loads


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ("from featurelens.deep import f\n", False),
        ("from featurelens import deep\n", False),
        ("from featurelens import a\n", True),
        ("import featurelens\n", True),
    ],
)
def test_the_lazy_face_counts_where_it_is_asked_for_a_name(house, text, loads):
    library, of = house
    (library / "used.py").write_text(text)
    before = of()
    (library / "lonely.py").write_text("x = 2\n")
    assert (of() != before) is loads


def test_one_or_some_of_a_registry_can_be_named(house):
    library, of = house
    one, two, both = of(kinds="one"), of(kinds="two"), of(kinds=("two", "one"))
    (library / "kinds/two.py").write_text("value = 3\n")
    assert of(kinds="one") == one
    assert of(kinds="two") != two
    assert of(kinds=["one", "two"]) != both
    assert of(kinds=["one", "two"]) == of(kinds=("two", "one")) == of() == of(deep=())


def test_names_that_are_not_there_are_errors(house):
    library, of = house
    with pytest.raises(FileNotFoundError, match=r"kinds\.three"):
        of(kinds="three")
    (library / "used.py").write_text("from featurelens.gone import x\n")
    with pytest.raises(FileNotFoundError, match=r"featurelens\.gone"):
        of()


def test_a_script_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.py"):
        Fingerprints(tmp_path, cache=None).of("nowhere")


def test_the_cache_of_what_was_read_changes_no_answer(house, tmp_path):
    library, of = house
    cache = tmp_path / "cache.json"

    def cached():
        return Fingerprints(tmp_path / "scripts", library=library, cache=cache).of("run")

    assert cached() == of() == cached()
    assert cache.exists()
    (library / "deep.py").write_text("def f():\n    return 3\n")
    assert cached() == of()


def test_a_memory_of_another_reader_is_not_believed(house, tmp_path):
    library, _ = house
    cache = tmp_path / "cache.json"

    def cached():
        return Fingerprints(tmp_path / "scripts", library=library, cache=cache).of("run")

    right = cached()
    memory = json.loads(cache.read_text())
    wrong = {digest: ["0", [], []] for digest in memory["files"]}
    cache.write_text(json.dumps({"reader": memory["reader"], "files": wrong}))
    assert cached() != right
    cache.write_text(json.dumps({"reader": "another", "files": wrong}))
    assert cached() == right
    cache.write_text("{")
    assert cached() == right


def test_a_memory_that_cannot_be_written_is_no_error(house, tmp_path):
    library, of = house
    (tmp_path / "file").touch()
    cache = tmp_path / "file/cache.json"
    assert Fingerprints(tmp_path / "scripts", library=library, cache=cache).of("run") == of()


CODE = [*sorted(LIBRARY.rglob("*.py")), *sorted(SCRIPTS.glob("*.py"))]


def test_what_is_no_code_lies_where_the_module_that_reads_it_is_known():
    others = {path for path in LIBRARY.rglob("*") if path.is_file()} - set(CODE)
    homes = {path.parent for path in others if path.parent.name != "__pycache__"}
    assert homes == {LIBRARY / "atlas/page"}
    assert (LIBRARY / "atlas/page.py").exists()
    assert not list((LIBRARY / "atlas/page").glob("*.py"))


def test_no_import_is_relative():
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), (path, node.lineno)


def constants(tree):
    """Strings that a module assigns to names."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def members(tree):
    """Tuples of strings that a module assigns to names, by the names that run over them."""
    assigned = {
        node.targets[0].id: [item.value for item in node.value.elts]
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
        if all(isinstance(item, ast.Constant) for item in node.value.elts)
    }
    return {
        node.target.id: assigned[node.iter.id]
        for node in ast.walk(tree)
        if isinstance(node, ast.comprehension) and getattr(node.iter, "id", "") in assigned
    }


def from_plugins(tree):
    """Calls of functions that load by name, as (first argument, line)."""
    loaders = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "featurelens.plugins"
        for alias in node.names
        if alias.name == "load"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in loaders or called == "plugins.load":
                yield node.args[0], node.lineno


def test_modules_are_loaded_by_name_through_one_function_and_from_packages_named_in_full():
    """A computed name would stay out of the closures, and a change behind it out of the plan."""
    # What the server of jobs loads is what jobs load for themselves; it is in no closure. Before a
    # job on a cluster, began runs the script whose closure it has compared.
    names = ("plugins.py", "__init__.py", "starts/server.py", "planning/began.py")
    free = {LIBRARY / name for name in names}
    for path in CODE:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            named = getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
            computes = named in {"import_module", "__import__", "run_module", "run_path"}
            assert not computes or path in free, (path, node.lineno)
        for package, line in from_plugins(tree):
            known = {name: [value] for name, value in constants(tree).items()} | members(tree)
            for in_full in [package.value] if hasattr(package, "value") else known[package.id]:
                assert (LIBRARY.parent / in_full.replace(".", "/")).is_dir(), (path, line)
