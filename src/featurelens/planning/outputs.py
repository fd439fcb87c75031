"""Figures and tables as their files describe themselves, read without importing them.

A figure or a table is one file. It begins with its caption, and before its first function stand
literals::

    '''**Table S9. Sizes of concepts.** One row an annotated SAE ...'''

    INPUTS = {"kept": "concepts/{annotated}/kept_terms.parquet", "sizes": "tables/sizes.tsv"}
    PARAMS = {"config": "{concepts}", "most": 20}

Paths are below ``results/<run>/``. What stands in braces is a name of the run's plan, or an
attribute of it (``{annotated.collection}``); a name of several things makes as many paths. A
string of ``PARAMS`` that is one such placeholder stands for the plan's value itself.

A file is made where the run has all that it names: nothing in braces is empty, and every table is
made itself. A string that ends with a question mark is left out where the run lacks it. ``NEEDS``
lists names of the plan that must hold something besides. ``OUTPUTS`` maps the files that are made
to their captions, where they are several or not named like the module; an empty caption keeps a
file out of the report. Files that name the same word as ``TOGETHER`` are made by one job, which
starts once, and should come of the same stages; the others have a job each. ``MEMORY``, in
megabytes, is for what takes more than others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from inspect import cleandoc
from pathlib import Path
from typing import Any

from featurelens.planning.literals import read_head

_LITERALS = ("INPUTS", "PARAMS", "NEEDS", "OUTPUTS", "TOGETHER", "MEMORY")
_PLACEHOLDER = re.compile(r"\{(\w+)((?:\.\w+)*)\}")


@dataclass(frozen=True)
class Output:
    """A figure or a table, or several that are made at once, as its file describes it."""

    name: str
    """Of the module."""
    caption: str
    """Its docstring."""
    inputs: Mapping[str, str]
    params: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Names of the files that are made, without suffix, and the caption of each."""
    together: str = ""
    """Of the job that makes it; its own name where it is made alone."""
    memory: int = 0
    """Megabytes, where it takes more than others."""

    def planned(self, names: Mapping[str, Any], makes: Callable[[str], bool]) -> Planned | None:
        """What it is made from in one run, or None where the run lacks some of it.

        Parameters
        ----------
        names
            The plan: a string, a list or any other object by name; str() of an object, or of each
            of a list, stands in paths.
        makes
            Whether the run makes a path below its results.

        Raises
        ------
        LookupError
            If the plan does not know a name.
        """
        inputs = {key: _paths(self, path, names, makes) for key, path in self.inputs.items()}
        params = {key: _value(self, value, names) for key, value in self.params.items()}
        wanted = [*inputs.values(), *params.values()]
        needed = [_look_up(self, name, "", names) for name in self.needs]
        if any(value is _MISSING for value in wanted) or any(map(_is_empty, needed)):
            return None
        return Planned(self, inputs, params)


@dataclass(frozen=True)
class Planned:
    """What a figure or a table is made from in one run."""

    output: Output
    inputs: Mapping[str, str | dict[str, str]]
    """Path below the results, or one for each thing of a list by its name; an empty list for what
    is left out."""
    params: Mapping[str, Any]

    def files(self, root: str, *, prefix: str = "") -> dict[str, str | list[str]]:
        """Inputs for a rule: paths by key, each key behind a prefix."""
        return {
            f"{prefix}{key}": (
                f"{root}/{paths}"
                if isinstance(paths, str)
                else [f"{root}/{path}" for path in paths.values()]
            )
            for key, paths in self.inputs.items()
        }

    @property
    def has_wildcards(self) -> bool:
        """Whether it is made for any of many things, whose names stay in braces in its paths."""
        return any("{" in path for paths in self.files("").values() for path in _listed(paths))

    @property
    def keys(self) -> dict[str, list[str] | None]:
        """Names of the files behind each input, in order; None where it is a single file."""
        return {
            key: None if isinstance(paths, str) else list(paths)
            for key, paths in self.inputs.items()
        }


def read_outputs(folder: str | Path) -> dict[str, Output]:
    """Every figure or table in a folder, by name; modules without ``INPUTS`` are none."""
    paths = (path for path in sorted(Path(folder).glob("*.py")) if path.name != "__init__.py")
    found = (read_output(path) for path in paths)
    return {output.name: output for output in found if output is not None}


def read_output(path: str | Path) -> Output | None:
    """What a file says of itself, or None if it has no ``INPUTS``.

    Raises
    ------
    ValueError
        If it has no caption, or an assignment to one of the names is no literal.
    """
    path = Path(path)
    caption, found = read_head(path, _LITERALS)
    if "INPUTS" not in found:
        return None
    if caption is None:
        raise ValueError(f"{path} has no docstring, which is its caption")
    outputs = {name: cleandoc(text) for name, text in found.get("OUTPUTS", {}).items()}
    return Output(
        name=path.stem,
        caption=caption,
        inputs=found["INPUTS"],
        params=found.get("PARAMS", {}),
        needs=tuple(found.get("NEEDS", ())),
        outputs=outputs or {path.stem: caption},
        together=found.get("TOGETHER", path.stem),
        memory=found.get("MEMORY", 0),
    )


def plan_outputs(
    outputs: Mapping[str, Output],
    names: Mapping[str, Any],
    *,
    elsewhere: Iterable[str] = (),
) -> dict[str, Planned]:
    """Those that a run makes, by name.

    Parameters
    ----------
    outputs
        Of :func:`read_outputs`.
    names
        The plan, as for :meth:`Output.planned`.
    elsewhere
        Tables (``tables/<name>.tsv``) that the run makes otherwise. Any path that is no table is
        made where the plan has its names.
    """
    maker = {f"tables/{file}.tsv": output for output in outputs.values() for file in output.outputs}
    others = set(elsewhere)
    known: dict[str, Planned | None] = {}

    def makes(path: str) -> bool:
        if not path.startswith("tables/") or path in others:
            return True
        return path in maker and plan(maker[path]) is not None

    def plan(output: Output) -> Planned | None:
        if output.name not in known:
            known[output.name] = None  # a table that asks for itself is not made
            known[output.name] = output.planned(names, makes)
        return known[output.name]

    planned = {name: plan(output) for name, output in outputs.items()}
    return {name: made for name, made in planned.items() if made is not None}


def jobs_of(planned: Mapping[str, Planned]) -> dict[str, dict[str, Planned]]:
    """What each job makes, by the name of the job."""
    jobs: dict[str, dict[str, Planned]] = {}
    for name, made in planned.items():
        jobs.setdefault(made.output.together, {})[name] = made
    return jobs


def inputs_of(root: str, planned: Mapping[str, Planned]) -> dict[str, str | list[str]]:
    """Inputs of figures or tables that are made by one job, each behind its name."""
    files = [made.files(root, prefix=f"{name}_") for name, made in planned.items()]
    return {key: path for each in files for key, path in each.items()}


def described(planned: Mapping[str, Planned]) -> dict[str, dict[str, Any]]:
    """What a job has to know of each: the names of its files, its parameters, what it makes."""
    return {
        name: {"names": made.keys, "params": made.params, "outputs": list(made.output.outputs)}
        for name, made in planned.items()
    }


def write_caption(name: str, text: str, folder: str | Path) -> str:
    """Write a caption for the report where it is not written yet; returns its absolute path."""
    path = Path(folder).absolute() / f"{name}.rst"
    try:
        if not path.exists() or path.read_text() != f"{text}\n":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
    except OSError:
        pass  # nothing but the report reads it
    return str(path)


_MISSING: Any = object()


def _paths(
    output: Output, template: str, names: Mapping[str, Any], makes: Callable[[str], bool]
) -> str | dict[str, str]:
    """The path or paths that a template stands for; _MISSING where the run lacks it."""
    path, optional = template.removesuffix("?"), template.endswith("?")
    places = _PLACEHOLDER.findall(path)
    values = {name: _look_up(output, name, "", names) for name, _ in places}
    several = [name for name, value in values.items() if isinstance(value, list | tuple)]
    if len(several) > 1:
        raise ValueError(f"{output.name}: {template!r} has several lists: {', '.join(several)}")
    if any(map(_is_empty, values.values())):
        return {} if optional else _MISSING
    if not several:
        filled = _fill(path, values)
        return filled if makes(filled) else {} if optional else _MISSING
    paths = {str(value): _fill(path, values | {several[0]: value}) for value in values[several[0]]}
    return paths if all(map(makes, paths.values())) else {} if optional else _MISSING


def _listed(paths: str | list[str]) -> list[str]:
    return [paths] if isinstance(paths, str) else paths


def _fill(path: str, values: Mapping[str, Any]) -> str:
    return _PLACEHOLDER.sub(lambda found: str(_attribute(values[found[1]], found[2])), path)


def _value(output: Output, value: Any, names: Mapping[str, Any]) -> Any:
    """A parameter: the plan's value where it is a placeholder, plain (lists of strings)."""
    text = value.removesuffix("?") if isinstance(value, str) else ""
    found = _PLACEHOLDER.fullmatch(text)
    if found is None:
        return value
    planned = _look_up(output, found[1], found[2], names)
    if _is_empty(planned):
        return planned if value.endswith("?") else _MISSING
    if isinstance(planned, list | tuple):
        return [item if _is_plain(item) else str(item) for item in planned]
    return planned if _is_plain(planned) else str(planned)


def _look_up(output: Output, name: str, attribute: str, names: Mapping[str, Any]) -> Any:
    if name not in names:
        raise LookupError(
            f"{output.name}.py asks for {{{name}}}, which the plan does not know; "
            f"it knows {', '.join(sorted(names))}"
        )
    value = names[name]
    if isinstance(value, list | tuple):
        return [_attribute(item, attribute) for item in value]
    return None if value is None else _attribute(value, attribute)


def _attribute(value: Any, attribute: str) -> Any:
    return reduce(getattr, attribute.split(".")[1:], value)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | list | tuple | dict)
