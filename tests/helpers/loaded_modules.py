"""What Python itself loads for scripts: an oracle for the import closures, in one process.

The libraries of others are imported once; then each script has a forked process of its own, which
runs the script's imports and so the library's modules, and then, as long as there are new ones,
the imports inside the functions of all that is loaded, and what packages load by name. All of it
is read from compiled code and from ``sys.modules``; no syntax tree is looked at.

    python loaded_modules.py scripts library < asked.json > loaded.json

Asked for is a list of pairs: a script, and for packages that it loads from by name those names.
"""

import dis
import json
import os
import pkgutil
import sys
from functools import cache
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
            if isinstance(text, str) and text.startswith(f"{PACKAGE}."):
                yield text


def exists(name):
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def load(name):
    """Import a module, or the module that a name is of."""
    import_module(name if exists(name) else name.rpartition(".")[0])


def load_below(package, names):
    """Load what lies below a package, or below some names of it."""
    tops = [package] if names is None else [f"{package}.{name}" for name in names]
    for top in tops:
        path = getattr(import_module(top), "__path__", None)
        for module in pkgutil.walk_packages(path, f"{top}.") if path else ():
            import_module(module.name)


def ours():
    return {name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")}


@cache
def read(path):
    """What a file imports when it runs, what in its functions, and what it names in strings."""
    code = compile(path.read_bytes(), str(path), "exec")
    inside = [name for inner in nested(code) for name in imports(inner)]
    names = [name for inner in (code, *nested(code)) for name in named(inner)]
    return [*imports(code)], inside, names


def load_all(script, only):
    """Load everything that a script can load; returns the names of the library's modules."""
    at_once, inside, names = read(script)
    waiting, seen = [([*at_once, *inside], names)], {PACKAGE}  # its lazy face is asked for nothing
    while waiting:
        for imported, names in waiting:
            for name in imported:
                load(name)
            for package in names:
                # Looking for a package loads those around it, which who asks for none does not.
                if only.get(package) != [] and exists(package):
                    load_below(package, only.get(package))
        new = sorted(ours() - seen)
        seen.update(new)
        waiting = [read(Path(sys.modules[name].__file__))[1:] for name in new]
    return sorted(ours())


def in_a_fork(function, *arguments):
    """The result of a function in a process of its own."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with os.fdopen(writing, "w") as file:
                json.dump(function(*arguments), file)
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
    for path in (source / PACKAGE).rglob("*.py"):
        read(path)
    loaded = [
        in_a_fork(load_all, scripts / f"{script}.py", only) for script, only in json.load(sys.stdin)
    ]
    json.dump(loaded, sys.stdout)
