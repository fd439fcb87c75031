"""Grids become points, points become stacks: all that is known before anything is trained.

A *point* is one sparse autoencoder on one embedding. Its id is a hash of its configuration, so it
is known while the workflow plans, and adding a value to a grid leaves every other id as it was.
A *stack* is the set of points that one job trains.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

from featurelens.sae.config import SAEConfig
from featurelens.sae.listing import architectures, sparsity, starts_linear
from featurelens.sweeps.identity import config_id

TOPK_FAMILY = tuple(name for name in architectures() if sparsity(name) == "k")
"""Architectures whose sparsity is set by ``k``; the others use ``l1``."""

TRAINER_REVISION = 1
"""Raised when a change to the trainers changes results; it renames every point."""


def expand_grid(grid: Mapping[str, Sequence[Any]]) -> list[SAEConfig]:
    """Product of a grid's values, in the order written, as SAE configurations.

    Parameters
    ----------
    grid
        Field of :class:`~featurelens.sae.config.SAEConfig` to its values. Fields that are absent
        keep their default. A hyperparameter that an architecture does not use (``l1`` of TopK,
        ``k`` of the others, a linear start where there is none), or a convention
        (``validation`` of the corrected one), is set aside, so that one grid can hold all.

    Returns
    -------
    list of SAEConfig
        Without repeats.
    """
    absent = _defaults().keys() - grid.keys()
    lists = {**grid} | {name: (_defaults()[name],) for name in absent}
    names = list(lists)
    architecture, convention = names.index("architecture"), names.index("convention")
    # Most of a product can be repeats: they are set aside before there are configurations of them.
    distinct: dict[tuple[Any, ...], None] = {}
    for values in itertools.product(*lists.values()):
        unused = _unused(values[architecture], values[convention])
        distinct[tuple(map(unused.get, names, values))] = None
    configs = (SAEConfig(**dict(zip(names, values, strict=True))) for values in distinct)
    return list(dict.fromkeys(configs))


def point_id(source: str, config: SAEConfig) -> str:
    """Ten hex digits that name a point: its source's name, configuration and trainer revision."""
    content = {"source": source, "trainer": TRAINER_REVISION, **vars(config)}
    return config_id(content, _defaults())


def plan_stacks(
    source: str, configs: Iterable[SAEConfig], stack_by: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Group points into stacks by the values of some of their fields.

    Parameters
    ----------
    source
        Name of the embedding the points are trained on.
    configs
        One configuration a point.
    stack_by
        Fields whose values name a stack, such as ``("architecture", "expansion")``.

    Returns
    -------
    dict
        Stack name, such as ``"relu_expansion10_seed0"``, to its points as plain dictionaries
        (``id`` and every field), sorted by id: the form in which a workflow records them.
    """
    stacks: dict[str, dict[str, dict[str, Any]]] = {}
    for config in configs:
        identifier = point_id(source, config)
        point = {"id": identifier, **vars(config)}
        stacks.setdefault(_stack_name(config, stack_by), {})[identifier] = point
    return {name: [points[key] for key in sorted(points)] for name, points in stacks.items()}


def point_config(point: Mapping[str, Any]) -> SAEConfig:
    """Configuration of a point, from its form in :func:`plan_stacks` or its row of a table."""
    return SAEConfig(**{field.name: point[field.name] for field in fields(SAEConfig)})


def select_points(
    stacks: Mapping[str, Sequence[Mapping[str, Any]]], selection: Mapping[str, Any]
) -> list[str]:
    """Ids of the points that :func:`is_selected`, sorted."""
    return sorted(
        point["id"]
        for points in stacks.values()
        for point in points
        if is_selected(point, selection)
    )


def is_selected(point: Mapping[str, Any], selection: Mapping[str, Any]) -> bool:
    """Whether the fields of a point equal every value of a selection.

    A point of which only a part was trained is chosen where the selection says so.
    """
    return all(point[name] == value for name, value in ({"trained": "all"} | {**selection}).items())


def _stack_name(config: SAEConfig, stack_by: Sequence[str]) -> str:
    parts = []
    for name in stack_by:
        value = getattr(config, name)
        parts.append(value if isinstance(value, str) else f"{name}{value:g}".replace("_", ""))
    return "_".join(parts)


@cache
def _unused(architecture: str, convention: str) -> dict[str, Any]:
    """Values of the fields that an architecture and a convention do not use."""
    unused: dict[str, Any] = {"l1": 0.0} if architecture in TOPK_FAMILY else {"k": _defaults()["k"]}
    if not starts_linear(architecture):
        unused["initialisation"] = "own"
    if convention == "corrected":
        unused["validation"] = "held_out"
    return unused


@cache
def _defaults() -> dict[str, Any]:
    return {
        field.name: field.default for field in fields(SAEConfig) if field.default is not MISSING
    }
