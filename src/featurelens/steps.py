"""One step of a study, from files of a run to files of the run.

A step is one file in the folder ``steps`` of its room, which begins with what it reads and writes
(:mod:`featurelens.planning.steps`) and has one function ``make``. The rules of steps are made in a
loop and run this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from featurelens.io import read_file, write_file
from featurelens.plugins import load, names

if TYPE_CHECKING:
    from featurelens.means import Means

HOMES = (
    "featurelens.simulation.steps",
    "featurelens.embeddings.steps",
    "featurelens.features.steps",
    "featurelens.recovery.steps",
    "featurelens.steering.steps",
    "featurelens.dge.steps",
    "featurelens.enrichment.steps",
    "featurelens.concepts.steps",
)
"""Folders with steps; no two steps have one name, which is that of their rule."""


def take_step(
    name: str,
    files: Mapping[str, str | Sequence[str]],
    outputs: Sequence[str],
    *,
    params: Mapping[str, Any],
    means: Means,
) -> None:
    """Read what a step is made from, make it, write it.

    Parameters
    ----------
    name
        Of a module in one of :data:`HOMES`. ``make`` takes inputs and parameters by their names,
        ``means`` where it asks for them, and returns what is written, several things as a tuple in
        the order of ``OUTPUTS``. ``READERS`` may say how inputs are read, as functions of what
        stands for a key in ``files``.
    files
        A path, or several, by the keys of ``INPUTS``. A path is read by its suffix, several as a
        list.
    outputs
        Paths in the order of ``OUTPUTS``.
    params
        By the keys of ``PARAMS``.
    means
        With what the step works; its log takes lines.
    """
    module = _module(name)
    readers: Mapping[str, Callable[[Any], Any]] = getattr(module, "READERS", {})
    inputs = {key: readers.get(key, _read)(paths) for key, paths in files.items()}
    asked = {"means": means} if "means" in signature(module.make).parameters else {}
    made = module.make(**inputs, **params, **asked)
    several = made if isinstance(made, tuple) else (made,)
    for content, path in zip(several, outputs, strict=True):
        write_file(content, Path(path))


def _module(name: str) -> ModuleType:
    [home] = [home for home in HOMES if name in names(home)]
    return load(home, name)


def _read(paths: str | Sequence[str]) -> Any:
    return read_file(paths) if isinstance(paths, str) else [read_file(path) for path in paths]
