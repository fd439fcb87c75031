"""With which software a run is made, for its report."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

import pandas as pd

from featurelens.version import __version__


def software() -> pd.DataFrame:
    """The columns package and version, of Python, of this package and of what it needs, by name.

    What is needed for a purpose of its own (an extra) is listed where it is installed.
    """
    found = {"python": platform.python_version(), "featurelens": __version__}
    for requirement in requires("featurelens") or []:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    first = ("python", "featurelens")
    order = sorted(found, key=lambda name: (name not in first, name.lower()))
    return pd.DataFrame({"package": order, "version": [found[name] for name in order]})
