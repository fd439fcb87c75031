"""What Python itself loads for each script: an oracle for the import closures, in one process.

The libraries of others are imported once; then each script has a forked process of its own, which
runs the script's imports and so the library's modules, and then, as long as there are new ones,
the imports inside the functions of all that is loaded, and what packages load by name. All of it
is read from compiled code and from ``sys.modules``; no syntax tree is looked at.

    python loaded_modules.py scripts library > loaded.json
"""

import dis
import json
import os
import pkgutil
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import CodeType

PACKAGE = "featurelens"
OTHERS = (
    *("torch", "scanpy", "anndata", "matplotlib.pyplot", "seaborn", "sklearn.decomposition"),
    *("numba", "umap", "pyarrow.parquet", "pydantic", "gseapy", "safetensors.numpy", "yaml"),
)


def nested(code):
    """The code inside a code object: its functions and classes, and theirs."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from nested(inner)


def imports(code):
    """Names that a code object imports of the library: modules, and modules with names."""
    module = None
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            module = step.argval if step.argval.split(".")[0] == PACKAGE else None
            if module:
                yield module
        elif step.opname == "IMPORT_FROM" and module:
            yield f"{module}.{step.argval}"


def named(code):
    """Modules of the library whose full names stand in the strings of a code object."""
    for value in code.co_consts:
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and text.startswith(f"{PACKAGE}.") and exists(text):
                yield text


def exists(name):
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def load(name):
    """Import a module, or the module that a name is of."""
    import_module(name if exists(name) else name.rpartition(".")[0])


def load_below(package):
    path = getattr(import_module(package), "__path__", None)
    for module in pkgutil.walk_packages(path, f"{package}.") if path else ():
        import_module(module.name)


def ours():
    return {name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")}


def follow(code):
    """Do all imports of some compiled code, and load what it names."""
    for inner in (code, *nested(code)):
        for name in imports(inner):
            load(name)
        for package in named(inner):
            load_below(package)


def load_all(script):
    """Load everything that a script can load; returns the names of the library's modules."""
    follow(compile(script.read_bytes(), str(script), "exec"))
    seen = {PACKAGE}  # its lazy face is asked for nothing
    while new := ours() - seen:
        for name in sorted(new):
            code = sys.modules[name].__loader__.get_code(name)
            for inner in nested(code):
                for imported in imports(inner):
                    load(imported)
            for inner in (code, *nested(code)):
                for package in named(inner):
                    load_below(package)
        seen |= new
    return sorted(ours())


def in_a_fork(function, argument):
    """The result of a function in a process of its own."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with os.fdopen(writing, "w") as file:
                json.dump(function(argument), file)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text)


if __name__ == "__main__":
    scripts, source = map(Path, sys.argv[1:])
    sys.path.insert(0, str(source))
    for library in OTHERS:
        import_module(library)
    loaded = {path.stem: in_a_fork(load_all, path) for path in sorted(scripts.glob("*.py"))}
    json.dump(loaded, sys.stdout)
