"""Things found by listing: a module each in a folder, or an entry point of somebody's package.

A folder is named by a string with the package's full name. The fingerprints of
:mod:`featurelens.planning.fingerprint` take such a string for everything below it.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any


@cache
def names(package: str, *, group: str | None = None) -> tuple[str, ...]:
    """Names of what lies in a package, and of what others' packages bring, in order.

    Parameters
    ----------
    package
        Full name; its modules and folders count, but for those that begin with an underscore. None
        of them is loaded.
    group
        Entry points in which other packages name modules of the same kind.
    """
    listed = iter_modules(_folders(_found(package)))
    own = {module.name for module in listed if not module.name.startswith("_")}
    return tuple(sorted({*own, *_brought(group)}))


def load(package: str, name: str, *, group: str | None = None) -> ModuleType:
    """The module (or folder) of a package by its name, or that of an entry point.

    A name of the package's own is never another's.

    Raises
    ------
    LookupError
        If there is none, naming those there are.
    """
    return import_module(_full_name(package, name, group))


def part(home: ModuleType, name: str) -> ModuleType:
    """A module of a folder that :func:`load` found; a home that is one module holds all itself."""
    return import_module(f"{home.__name__}.{name}") if hasattr(home, "__path__") else home


@cache
def stated(package: str, name: str, entry: str, *, group: str | None = None) -> dict[str, Any]:
    """Literals in the call that a module of :func:`load` assigns to a name, without loading it.

    Parameters
    ----------
    package, name, group
        As for :func:`load`.
    entry
        The name that the call is assigned to, as in ``ENTRY = Entry(option=1)``.

    Returns
    -------
    dict
        Values of the keyword arguments that are literals.

    Raises
    ------
    LookupError
        If there is no such module, or no such call in it.
    """
    path = _files(_spec(package, name, group))[0]
    for node in ast.parse(path.read_text()).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and [ast.unparse(target) for target in node.targets] == [entry]
        ):
            return dict(_literals(node.value))
    raise LookupError(f"{path} has no {entry}; assign it an entry as the modules beside it do")


def brought_files(package: str, name: str, *, group: str | None) -> list[Path]:
    """Files that an entry point stands for, not loaded; none for what is the package's own.

    Of a package all modules below it count, of a module it alone.
    """
    return [] if name in names(package) else _files(_spec(package, name, group))


def _full_name(package: str, name: str, group: str | None) -> str:
    if name in names(package):
        return f"{package}.{name}"
    if name in _brought(group):
        return _brought(group)[name].module
    known = ", ".join(names(package, group=group))
    raise LookupError(f"no {name!r} in {package}; there are {known}")


@cache
def _brought(group: str | None) -> dict[str, EntryPoint]:
    """Entry points of a group by their names."""
    return {entry.name: entry for entry in entry_points(group=group)} if group else {}


def _spec(package: str, name: str, group: str | None) -> ModuleSpec:
    """Where the module of a name is."""
    module = _full_name(package, name, group)
    spec = _found(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"no module {module}; install its package again")
    return spec


def _found(module: str) -> ModuleSpec | None:
    """Where a module is, found without loading the packages around it."""
    top, *below = module.split(".")
    spec = find_spec(top)
    for part in below:
        top = f"{top}.{part}"
        spec = PathFinder.find_spec(top, _folders(spec))
    return spec


def _folders(spec: ModuleSpec | None) -> list[str]:
    return list((spec and spec.submodule_search_locations) or ())


def _files(spec: ModuleSpec) -> list[Path]:
    """The file of a module, or those of a package and all below it, its face first."""
    below = [file for folder in _folders(spec) for file in sorted(Path(folder).rglob("*.py"))]
    return list(dict.fromkeys([Path(spec.origin or ""), *below]))


def _literals(call: ast.Call) -> list[tuple[str, Any]]:
    found = []
    for keyword in call.keywords:
        try:
            found.append((keyword.arg or "", ast.literal_eval(keyword.value)))
        except ValueError:
            continue
    return found
