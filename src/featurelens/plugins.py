"""Things found by listing: a module each in a folder, or an entry point of somebody's package.

A folder is named by a string with the package's full name. The fingerprints of
:mod:`featurelens.planning.fingerprint` take such a string for everything below it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType


@cache
def names(package: str, *, group: str | None = None) -> tuple[str, ...]:
    """Names of what lies in a package, and of what others' packages bring, in order.

    Parameters
    ----------
    package
        Full name; its modules and folders count, but for those that begin with an underscore.
    group
        Entry points in which other packages name modules of the same kind.
    """
    own = {
        module.name
        for module in iter_modules(import_module(package).__path__)
        if not module.name.startswith("_")
    }
    return tuple(sorted({*own, *_brought(group)}))


def load(package: str, name: str, *, group: str | None = None) -> ModuleType:
    """The module (or folder) of a package by its name, or that of an entry point.

    A name of the package's own is never another's.

    Raises
    ------
    LookupError
        If there is none, naming those there are.
    """
    if name in names(package):
        return import_module(f"{package}.{name}")
    if name in _brought(group):
        return import_module(_brought(group)[name].module)
    known = ", ".join(names(package, group=group))
    raise LookupError(f"no {name!r} in {package}; there are {known}")


def brought_code(package: str, name: str, *, group: str) -> str | None:
    """Hash of the code that an entry point names, without loading it; None for what is our own.

    Of a package all modules below it count, of a module it alone.
    """
    if name in names(package) or name not in _brought(group):
        return None
    spec = find_spec(_brought(group)[name].module)
    if spec is None or spec.origin is None:
        return ""
    folders = spec.submodule_search_locations or ()
    files = sorted(file for folder in folders for file in Path(folder).rglob("*.py"))
    digest = hashlib.sha256()
    for file in files or [Path(spec.origin)]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _brought(group: str | None) -> dict[str, EntryPoint]:
    """Entry points of a group by their names."""
    return {entry.name: entry for entry in entry_points(group=group)} if group else {}
