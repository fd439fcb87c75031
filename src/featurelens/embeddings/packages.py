"""Packages that some models need beside those of the core, and how to get them."""

from __future__ import annotations

from importlib.util import find_spec

from featurelens.embeddings.models.geneformer.config import GeneformerModel
from featurelens.embeddings.models.scvi.config import ScviModel
from featurelens.embeddings.registry import ModelConfig
from featurelens.io import InputError


def how_to_get(kind: str) -> str:
    """What a message says where the packages of a kind of model are not installed."""
    return (
        f"install it with: pip install 'featurelens[{kind}]' (in a clone: pip install '.[{kind}]')"
        ", or let the workflow do so with --software-deployment-method conda"
    )


def needed_package(model: ModelConfig) -> tuple[str, str] | None:
    """Name to import and name to install of what a model needs beside the core, if anything."""
    if isinstance(model, ScviModel) and model.checkpoint is None:
        return "scvi", "scvi-tools"
    if isinstance(model, GeneformerModel):
        return "transformers", "transformers"
    return None


def require_package(model: ModelConfig, key: str) -> None:
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
    package = needed_package(model)
    if package is not None and find_spec(package[0]) is None:
        raise InputError(
            f"config: '{key}' needs the package {package[1]}, which is not installed; "
            f"{how_to_get(model.kind)}, or go without: take the model and the sweeps over it out "
            "of the config"
        )
