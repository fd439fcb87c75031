"""Packages that some models need beside those of the core, and how to get them."""

from __future__ import annotations

from importlib.util import find_spec

from featurelens.embeddings.model import Model
from featurelens.io import InputError


def how_to_get(model: Model | type[Model]) -> str:
    """What a message says where the packages that a model needs are not installed."""
    extra = model.environment
    if extra == Model.environment and model.package is not None:
        return f"install it with: pip install {model.package[1]}"
    return (
        f"install it with: pip install 'featurelens[{extra}]' (in a clone: pip install "
        f"'.[{extra}]'), or let the workflow do so with --software-deployment-method conda"
    )


def require_package(model: Model, key: str) -> None:
    """Look whether the package is installed that a model needs, without importing it.

    Parameters
    ----------
    model, key
        The model, and where it stands in the config.

    Raises
    ------
    InputError
        If it is not; the message says how to get it, and how to go without.
    """
    package = model.package
    if package is not None and model.needs_package and find_spec(package[0]) is None:
        raise InputError(
            f"config: '{key}' needs the package {package[1]}, which is not installed; "
            f"{how_to_get(model)}, or go without: take the model and the sweeps over it out "
            "of the config"
        )
