"""Measures of sweeps as their files describe themselves, read without importing them.

A measure is one file of :mod:`featurelens.sweeps.measures`. Before its first function stand
literals::

    SWEEPS = "simulated_sweeps"
    INPUTS = ("data", "embedding")
    PARAMS = {"choices": "sweeps/{sweep}/structure"}
    OUTPUTS = {"table": "recovery.parquet"}
    EACH_POINT = True

``SWEEPS`` names the sweeps that are measured, by a list of the plan. ``INPUTS`` says what is read
beside the trained points: ``data`` (the simulation), ``embedding`` (all cells of it) and
``trained_on`` (those that the sweep was trained on). ``PARAMS`` are blocks of the config, where
``{source}`` is the simulation or dataset of the sweep. ``OUTPUTS`` are files below the sweep's
folder. With ``EACH_POINT`` the rows of a point depend on that point alone, so that the stacks of a
large sweep are measured in jobs of their own and joined afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from featurelens.planning.literals import read_head

FOLDER = Path(__file__).parents[1] / "sweeps/measures"


@dataclass(frozen=True)
class Measure:
    """A measure as its file describes it."""

    name: str
    """Of the module."""
    sweeps: str
    """Name of a list of sweeps."""
    inputs: tuple[str, ...]
    """What is read beside the points."""
    outputs: Mapping[str, str]
    """Files below a sweep's folder."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Paths of blocks of the config."""
    each_point: bool = False
    """Whether stacks can be measured apart."""

    def values(self, config: Mapping[str, Any], **names: str) -> dict[str, Any]:
        """The blocks of a config that a sweep's ``PARAMS`` stand for."""
        return {key: _block(config, path.format(**names)) for key, path in self.params.items()}


@dataclass(frozen=True)
class Measuring:
    """A rule of a run: one measure of some sweeps, or of their stacks."""

    rule: str
    measure: Measure
    sweeps: tuple[str, ...]
    """Those that the rule is for."""
    points: str
    """Table of points below the sweep's folder."""
    outputs: Mapping[str, str]
    """Files below the sweep's folder."""

    @property
    def is_of_stacks(self) -> bool:
        """Whether it measures a stack at a time."""
        return "{stack}" in self.points

    @property
    def parts(self) -> str:
        """Name of a job in paths of logs: the sweep, and the stack where it measures one."""
        return "{sweep}/{stack}" if self.is_of_stacks else "{sweep}"


def read_measures(folder: str | Path = FOLDER) -> dict[str, Measure]:
    """Every measure in a folder, by name.

    Raises
    ------
    ValueError
        If a file lacks one of the literals, or has one that is no literal.
    """
    paths = (path for path in sorted(Path(folder).glob("*.py")) if path.name != "__init__.py")
    return {path.stem: _read(path) for path in paths}


def plan_measures(
    measures: Mapping[str, Measure],
    lists: Mapping[str, Sequence[str]],
    is_small: Callable[[str], bool],
) -> list[Measuring]:
    """Rules that measure the sweeps of a run.

    Parameters
    ----------
    measures
        Of :func:`read_measures`.
    lists
        Lists of sweeps by name; a measure of a list that is not there is not made.
    is_small
        Whether all points of a sweep are measured in one job.
    """
    return [
        rule
        for measure in measures.values()
        for rule in _rules(measure, lists.get(measure.sweeps, ()), is_small)
        if rule.sweeps
    ]


def results(
    measures: Collection[Measure], lists: Mapping[str, Sequence[str]], sweep: str
) -> list[str]:
    """Files below a sweep's folder that its measures make."""
    return [
        file
        for measure in measures
        if sweep in lists.get(measure.sweeps, ())
        for file in measure.outputs.values()
    ]


def _rules(
    measure: Measure, sweeps: Sequence[str], is_small: Callable[[str], bool]
) -> Iterator[Measuring]:
    whole = tuple(sweep for sweep in sweeps if not measure.each_point or is_small(sweep))
    apart = tuple(sweep for sweep in sweeps if sweep not in whole)
    name = f"measure_{measure.name}"
    yield Measuring(name, measure, whole, "points.parquet", measure.outputs)
    of_stack = {
        key: f"{Path(file).stem}/{{stack}}.parquet" for key, file in measure.outputs.items()
    }
    yield Measuring(f"{name}_stack", measure, apart, "stacks/{stack}.parquet", of_stack)


def _read(path: Path) -> Measure:
    found = read_head(path, ("SWEEPS", "INPUTS", "PARAMS", "OUTPUTS", "EACH_POINT")).literals
    lacking = [name for name in ("SWEEPS", "INPUTS", "OUTPUTS") if name not in found]
    if lacking:
        raise ValueError(f"{path} lacks {' and '.join(lacking)}, which say what it measures")
    return Measure(path.stem, **{name.lower(): value for name, value in found.items()})


def _block(config: Any, path: str) -> Any:
    for key in path.split("/"):
        config = config[key]
    return config
