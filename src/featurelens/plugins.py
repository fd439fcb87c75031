"""Things found by listing: a module each in a folder, or an entry point of somebody's package.

A folder is named by a string with the package's full name. The fingerprints of
:mod:`featurelens.planning.fingerprint` take such a string for everything below it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
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
    brought = {entry.name for entry in entry_points(group=group)} if group else set()
    return tuple(sorted(own | brought))


def load(package: str, name: str, *, group: str | None = None) -> ModuleType:
    """The module (or folder) of a package by its name, or that of an entry point.

    Raises
    ------
    LookupError
        If there is none, naming those there are.
    """
    if name in names(package):
        return import_module(f"{package}.{name}")
    for entry in entry_points(group=group) if group else ():
        if entry.name == name:
            return entry.load()
    known = ", ".join(names(package, group=group))
    raise LookupError(f"no {name!r} in {package}; there are {known}")
