"""The repository speaks of itself alone, and its floors hold."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from clones import ROOT

FLOORS = (
    {
        "version",
        "conventions",
        "places",
        "plugins",
        "threads",
        "io",
        "journals",
        "caches",
        "portable",
        "products",
        "progress",
        "starts",
    },
    {
        "checksums",
        "options",
        "means",
        "logs",
        "torch_files",
        "json_files",
        "compiled_umap",
        "steps",
    },
    {"costs", "crate", "stats", "datasets", "genesets", "simulation", "sae", "downloads", "claims"},
    {"embeddings", "features", "autoencoder"},
    {"dge", "steering", "recovery"},
    {"enrichment", "sweeps"},
    {"concepts", "controls"},
    {"config", "tables", "atlas"},
    {"figures", "planning", "scfeaturelens"},
)
LIBRARY = ROOT / "src/featurelens"


def tracked():
    """Text files that git tracks, or all files where there is no git."""
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = done.stdout.split("\n") if done.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or sorted(LIBRARY.rglob("*.py"))
    return [path for path in paths if path.is_file() and path.suffix not in (".png", ".pdf")]


def room_of(path):
    """The folder below the library that a module lies in, or its own name where it lies in none."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def floor_of(room):
    [floor] = [level for level, rooms in enumerate(FLOORS) if room in rooms]
    return floor


def imports(path):
    """Modules of the library that a module imports at run time, wherever in its text."""
    tree = ast.parse(path.read_text())
    guarded = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and ast.unparse(test.test) == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        module = (
            node.module if isinstance(node, ast.ImportFrom) and id(node) not in guarded else None
        )
        if module is not None and module.split(".")[0] == "featurelens":
            for name in node.names:
                file = LIBRARY.parent / f"{module}.{name.name}".replace(".", "/")
                is_module = file.is_dir() or file.with_suffix(".py").exists()
                yield f"{module}.{name.name}" if is_module else module


MODULES = sorted(path for path in LIBRARY.rglob("*.py") if room_of(path) != "__init__")


def test_every_room_has_its_floor():
    assert sorted({room_of(path) for path in MODULES}) == sorted(set().union(*FLOORS))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_module_imports_only_from_floors_below_its_room(path):
    room = room_of(path)
    others = {name.split(".")[1] for name in imports(path) if name != "featurelens"} - {room}
    assert {other for other in others if floor_of(other) >= floor_of(room)} == set()


def test_modules_are_short():
    """All of numba's inlined kernels stand in one file: its cache looks for changes in no other."""
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES}
    assert [path for path in MODULES if lengths[path] > 300] == [LIBRARY / "sae/kernels.py"]


def test_the_workflow_is_thin():
    rules = [*(ROOT / "workflow/rules").glob("*.smk"), ROOT / "workflow/Snakefile"]
    assert sum(len(path.read_text().splitlines()) for path in rules) <= 1300
    assert len([*(ROOT / "scripts").glob("*.py")]) <= 35


def test_no_module_imports_itself_by_way_of_others():
    names = {
        ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts): path for path in MODULES
    }
    graph = {name: set(imports(path)) & set(names) for name, path in names.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_library_does_not_know_the_workflow():
    for path in LIBRARY.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), re.MULTILINE), path


def test_no_file_names_the_machine_it_was_made_on():
    places = {str(ROOT), str(ROOT.resolve()), str(Path.home()), sys.prefix, sys.base_prefix}
    places -= {"/", "/usr", "/usr/local"}
    for path in tracked():
        text = path.read_text(errors="ignore")
        assert [place for place in places if place in text] == [], path


def test_every_page_that_is_named_is_there():
    paths = tracked()
    pages = {path.name for path in paths if path.suffix == ".md"}
    for path in paths:
        if path.suffix in (".py", ".smk", ".md", ".rst", ".yaml"):
            named = set(re.findall(r"[A-Za-z_-]+\.md\b", path.read_text()))
            assert named - pages == set(), path
