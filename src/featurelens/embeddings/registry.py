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
from featurelens.embeddings.model import Checked, Model
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


def check_model(dataset: DatasetConfig, model: Model) -> Checked:
    """Check what a model needs of a dataset before anything is computed.

    A model's own ``check`` gives a :class:`.model.Checked`, the dimensions alone, or None; those
    that the config tells go before.

    Raises
    ------
    InputError
        If a file that the model names is missing or of another form, or the dataset lacks what
        the model reads of it.
    """
    check = getattr(model_code(model.kind), "check", None)
    found = None if check is None else check(dataset, model)
    checked = found if isinstance(found, Checked) else Checked(found)
    return checked._replace(dimensions=model.dimensions or checked.dimensions)


def _part(kind: str, name: str) -> ModuleType:
    return part(load(MODELS, kind, group=GROUP), name)
