"""Kinds that a config need not name, because what is given tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_kinds(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A run's mapping in which cells in a file and embeddings that exist have their kind.

    Examples
    --------
    >>> given = {"cells": {"path": "a.h5ad"}, "models": {"m": {"key": "X_m"}}}
    >>> with_kinds({"datasets": {"mine": given}})["datasets"]["mine"]["cells"]
    {'kind': 'h5ad', 'path': 'a.h5ad'}
    """
    datasets = config.get("datasets")
    if not isinstance(datasets, Mapping):
        return config
    return {**config, "datasets": {name: _of_dataset(block) for name, block in datasets.items()}}


def _of_dataset(block: Any) -> Any:
    if not isinstance(block, Mapping):
        return block
    made = dict(block)
    if _lacks_kind(block.get("cells")) and "path" in block["cells"]:
        made["cells"] = {"kind": "h5ad", **block["cells"]}
    if isinstance(block.get("models"), Mapping):
        made["models"] = {name: _of_model(model) for name, model in block["models"].items()}
    return made


def _of_model(model: Any) -> Any:
    if _lacks_kind(model) and ("key" in model or "path" in model):
        return {"kind": "precomputed", **model}
    return model


def _lacks_kind(part: Any) -> bool:
    return isinstance(part, Mapping) and "kind" not in part
