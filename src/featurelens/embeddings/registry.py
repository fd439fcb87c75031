"""Models that embed cells, found by listing, and the checks that each makes before a run.

A model is a folder below ``embeddings/models``, or what an entry point of the group
``featurelens.models`` names: ``config`` with the class ``MODEL`` of its options, whose ``kind`` is
the name of the folder or entry point, and ``fit`` with a function of that name and perhaps
``check``. A module of somebody's package may hold all of it by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from featurelens.datasets.config import DatasetConfig
from featurelens.embeddings.model import Model
from featurelens.options import build
from featurelens.plugins import load, names, part

MODELS = "featurelens.embeddings.models"
GROUP = "featurelens.models"


def kinds() -> tuple[str, ...]:
    """Kinds of all models, in order."""
    return names(MODELS, group=GROUP)


def model_class(kind: str) -> type[Model]:
    """Class of the options of a kind of model.

    Raises
    ------
    LookupError
        If there is no such kind, or its class bears the name of another.
    """
    found: type[Model] = _part(kind, "config").MODEL
    if found.kind != kind:
        raise LookupError(f"{found.__module__} is found as {kind!r}, but its kind is {found.kind}")
    return found


def build_model(plain: Mapping[str, Any]) -> Model:
    """Options of a model from their plain form; no other kind is loaded."""
    model: Model = build(model_class(plain["kind"]), plain)
    return model


def model_code(kind: str) -> ModuleType:
    """Module with ``fit`` and perhaps ``check`` of a kind of model; loaded when it is used."""
    return _part(kind, "fit")


def check_model(dataset: DatasetConfig, model: Model) -> int | None:
    """Check what a model needs of a dataset before anything is computed.

    Returns
    -------
    int or None
        Dimensions of the embedding where the config or its check tells them.

    Raises
    ------
    InputError
        If a file that the model names is missing or of another form, or the dataset lacks what
        the model reads of it.
    """
    check = getattr(model_code(model.kind), "check", None)
    found: int | None = None if check is None else check(dataset, model)
    return model.dimensions or found


def remarks_on_model(dataset: DatasetConfig, model: Model) -> list[str]:
    """What is worth knowing of a model that :func:`check_model` found good, a line each."""
    remarks = getattr(model_code(model.kind), "remarks", None)
    return [] if remarks is None else list(remarks(dataset, model))


def _part(kind: str, name: str) -> ModuleType:
    return part(load(MODELS, kind, group=GROUP), name)
