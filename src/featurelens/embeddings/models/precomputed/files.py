"""An embedding in a file of its own, joined to the cells by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from featurelens.datasets.checks import require_matrix
from featurelens.datasets.files import names_of, open_h5, require_key
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.named_rows import NamedRows
from featurelens.io import InputError, require_unique_names


def read_embedding(model: PrecomputedModel) -> NamedRows:
    """Read the file that ``model.path`` names.

    ``.h5ad``: ``obsm[key]``. ``.csv`` and ``.tsv``: a header, cell names in the first column.
    ``.npy``: a matrix, ``.pt``: a tensor, or ``key`` of a dictionary of tensors, and in both cases
    the names in a text file.

    Raises
    ------
    InputError
        If a file is missing or damaged, is no matrix of finite numbers, or names repeat.
    """
    path = str(model.path)
    if not Path(path).exists():
        raise InputError(f"{path}: no such file; check path in the config")
    suffix = Path(path).suffix
    if suffix == ".h5ad":
        values, names, what = *_read_h5ad(path, str(model.key)), f"{path}: obsm[{model.key!r}]"
    elif suffix in (".csv", ".tsv"):
        values, names, what = *_read_text(path, "," if suffix == ".csv" else "\t"), path
    else:
        values = _read_npy(path) if suffix == ".npy" else _read_tensor(path, model.key)
        names, what = _read_names(str(model.names)), path
        if np.ndim(values) == 2 and len(values) != len(names):
            raise InputError(
                f"{path} has {len(values)} rows, but {model.names} names {len(names)} cells; "
                "give one name a line, in the order of the rows"
            )
    require_unique_names(names, f"{model.names or path}: cell")
    return NamedRows(require_matrix(values, names, what), names, path)


def _read_h5ad(path: str, key: str) -> tuple[Any, pd.Index]:
    from anndata.io import read_elem

    with open_h5(path) as handle:
        require_key(key, handle.get("obsm", {}), f"{path}: obsm")
        return read_elem(handle["obsm"][key]), names_of(handle["obs"])


def _read_text(path: str, separator: str) -> tuple[np.ndarray, pd.Index]:
    try:
        table = pd.read_csv(path, sep=separator, index_col=0, dtype={0: str}, low_memory=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a table ({_line(error)})") from error
    textual = [name for name in table if table[name].dtype.kind not in "fiub"]
    if textual:
        raise InputError(
            f"{path}: column {str(textual[0])!r} holds text; the first column names the cells, "
            "all others are numbers"
        )
    return table.to_numpy(), pd.Index(table.index.astype(str))


def _read_npy(path: str) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(
            f"{path}: cannot be read as .npy ({_line(error)}); is it complete?"
        ) from error


def _read_tensor(path: str, key: str | None) -> np.ndarray:
    import torch

    from featurelens.torch_files import load_safely

    content = load_safely(path)
    if isinstance(content, Mapping):
        if key is None:
            there = ", ".join(map(str, content))
            raise InputError(f"{path}: holds a dictionary; set key to one of {there}")
        require_key(key, content, path)
        content = content[key]
    if not isinstance(content, torch.Tensor):
        raise InputError(f"{path}: holds a {type(content).__name__}, not a tensor")
    return content.detach().float().numpy()


def _read_names(path: str) -> pd.Index:
    if not Path(path).exists():
        raise InputError(f"{path}: no such file; check names in the config")
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text file; give one cell name a line") from None
    return pd.Index([line.strip() for line in lines if line.strip()], dtype=object)


def _line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
