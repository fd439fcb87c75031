"""Steps as their files describe themselves, read without importing them.

A step is one file in the folder ``steps`` of a room. Before its first function stand literals::

    INPUTS = {"features": "features/{dataset}/{model}/{sae}/features.h5ad"}
    OUTPUTS = {"table": "features/{dataset}/{model}/{sae}/comparisons.tsv"}
    PARAMS = {"comparisons": "datasets/{dataset}/comparisons"}
    THREADS = 2
    MEMORY = "catalogue"
    MINUTES = 60

Paths are below ``results/<run>/``; what stands in braces is a wildcard of the rule. A path may hold
the name of one list (``{of_seeds}`` and others of :attr:`.jobs.Jobs.lists`) and then stands for
several. ``PARAMS`` are blocks of the config by their path, or a list itself.
``MEMORY`` is a number of megabytes, a stage of :mod:`.memory` or a function of :mod:`.sizes`;
without it a step is made where Snakemake runs. ``THREADS`` and ``MINUTES`` are numbers or functions
of :mod:`.sizes`. ``GPU`` says that it is faster with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from featurelens.planning.literals import read_head
from featurelens.steps import HOMES

LIBRARY = Path(__file__).parents[1]
_LITERALS = ("INPUTS", "OUTPUTS", "PARAMS", "THREADS", "MEMORY", "MINUTES", "GPU")
_WILDCARD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Step:
    """A step as its file describes it."""

    home: str
    """The package that its file lies in."""
    name: str
    """Of the module, and of the rule."""
    outputs: Mapping[str, str]
    """Paths below the results."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    threads: int | str = 1
    memory: int | str = 0
    minutes: int | str = 30
    gpu: bool = False

    @property
    def is_local(self) -> bool:
        """Whether it takes so little that it is no job of a cluster."""
        return self.memory == 0

    @property
    def parts(self) -> str:
        """Its wildcards, as they stand in paths of logs."""
        first = next(iter(self.outputs.values()))
        return "/".join(f"{{{name}}}" for name in _WILDCARD.findall(first))


def read_steps(homes: Iterable[str] = HOMES, *, library: Path = LIBRARY) -> list[Step]:
    """Every step that there is, by room and name.

    Raises
    ------
    ValueError
        If a file says not what it writes, or one of the names is assigned no literal.
    """
    return [
        _read(path, home)
        for home in homes
        for path in sorted((library.parent / home.replace(".", "/")).glob("*.py"))
        if path.name != "__init__.py"
    ]


def _read(path: Path, home: str) -> Step:
    found = read_head(path, _LITERALS).literals
    if "OUTPUTS" not in found:
        raise ValueError(f"{path} lacks OUTPUTS, which say what it writes")
    return Step(home, path.stem, **{name.lower(): value for name, value in found.items()})
