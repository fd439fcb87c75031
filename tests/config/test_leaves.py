"""Config classes are leaves: to read a run's file costs neither numpy nor pandas."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "src/featurelens"
CONFIGS = sorted(LIBRARY.rglob("config.py"))
ALLOWED = {"annotated_types", "featurelens", "pydantic", *sys.stdlib_module_names}
HEAVY = ("numpy", "pandas", "scipy", "torch", "scanpy", "anndata", "pyarrow", "h5py")


@cache
def imports(name):
    """Top packages, and modules of the library, that a module imports when it is imported."""
    path = LIBRARY.parent / name.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    modules = {
        module
        for module in found
        if module.startswith("featurelens.")
        and (LIBRARY.parent / module.replace(".", "/")).with_suffix(".py").exists()
    }
    return frozenset(module.split(".")[0] for module in found), modules


def test_config_classes_are_found():
    assert len(CONFIGS) > 15


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_config_module_imports_leaves_alone(path):
    waiting = [".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)]
    seen = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        packages, modules = imports(name)
        assert packages - ALLOWED == set(), name
        waiting.extend(modules - seen)


RULES = Path(__file__).parents[2] / "workflow/rules/common.smk"
IMPORTS = re.compile(r"^from featurelens[\w.]* import (?:\([^)]*\)|.+)$", re.M)
STATEMENTS = {
    "config": "import featurelens.config",
    "run": "import featurelens.config.parse, featurelens.config.run",
    "workflow": "\n".join(IMPORTS.findall(RULES.read_text())),
}
"""The last is what the workflow imports for every plan and every job of a cluster."""


@pytest.mark.parametrize("statements", STATEMENTS.values(), ids=STATEMENTS)
def test_reading_a_config_loads_no_library_of_arithmetic(statements):
    code = f"import json, sys\n{statements}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(HEAVY) & set(json.loads(done.stdout)) == set()
