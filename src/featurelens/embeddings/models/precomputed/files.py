"""An embedding in a file of its own, joined to the cells by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from featurelens.datasets.checks import require_matrix
from featurelens.datasets.config import X
from featurelens.datasets.files import require_key
from featurelens.datasets.stored import columns_of, names_of, read_column, require_chunks
from featurelens.datasets.stores import open_store, parts_of
from featurelens.embeddings.models.precomputed.config import (
    STORES,
    TABLES,
    PrecomputedModel,
    suffix_of,
)
from featurelens.embeddings.models.precomputed.given import require_given
from featurelens.embeddings.models.precomputed.names import read_names
from featurelens.embeddings.models.precomputed.tables import read_parquet, read_text
from featurelens.embeddings.named_rows import NamedRows
from featurelens.io import InputError, require_unique_names


def read_embedding(model: PrecomputedModel) -> NamedRows:
    """Read the file that ``model.path`` names.

    ``.h5ad``, ``.zarr``: ``obsm[key]``, or X. ``.csv``, ``.tsv`` (plain or gzip) and ``.parquet``:
    a header, cell names in the first column.
    ``.npy``: a matrix, ``.pt``: a tensor, or ``key`` of a dictionary of tensors, and in both cases
    the names in a text file. Where rows are tokens, names are those of their cells, and repeat.

    Raises
    ------
    InputError
        If a file is missing or damaged, is no matrix of finite numbers, or names repeat.
    """
    path = str(model.path)
    if not Path(path).exists():
        raise InputError(f"{path}: no such file; check path in the config")
    suffix = suffix_of(path)
    if suffix in STORES:
        values, names, what = _read_store(path, model.key, model.cell_column)
    elif suffix in TABLES:
        read = read_parquet if suffix == ".parquet" else read_text
        values, names, what = *read(path), path
    else:
        values = _read_npy(path) if suffix == ".npy" else _read_tensor(path, model.key)
        names, what = read_names(str(model.names), len(values) if np.ndim(values) else 0), path
        if np.ndim(values) == 2 and len(values) != len(names):
            raise InputError(
                f"{path} has {len(values)} rows, but {model.names} names {len(names)} cells; "
                "give one name a line, in the order of the rows"
            )
    if model.has_token_rows:
        return NamedRows(require_matrix(values, names, what), names, path)
    require_unique_names(names, f"{model.names or path}: cell")
    given = require_given(values, names, what, most_missing=model.max_missing)
    return NamedRows(given.values, names, path)


def _read_store(path: str, key: str | None, cell_column: str | None) -> tuple[Any, pd.Index, str]:
    """An embedding of a file of cells, or of tokens, with the names of its cells and its place."""
    from anndata.io import read_elem

    with open_store(path) as store:
        root = store.root
        stored, where = parts_of(root, "obsm"), f"{path}: obsm"
        key = key or _only_key(root, stored, path)
        if key == X and X not in stored:
            require_key(X, root, path)
            element, what = root[X], f"{path}: X"
        else:
            require_key(key, stored, where)
            element, what = stored[key], f"{where}[{key!r}]"
        require_chunks(element, what)
        names = names_of(root["obs"])
        if cell_column is not None:
            require_key(cell_column, columns_of(root["obs"]), f"{path}: obs")
            names = pd.Index(read_column(root["obs"], cell_column).astype(str), dtype=object)
        return read_elem(element), names, what


def _only_key(root: Any, stored: Mapping[str, Any], path: str) -> str:
    """Where the embedding is that no key names: in X, where it is the only matrix, or in obsm."""
    x = root.get(X)
    held = [*([X] if x is not None and getattr(x, "shape", ()) is not None else []), *stored]
    if len(held) == 1:
        return held[0]
    there = ", ".join(held) or "none"
    raise InputError(
        f"{path}: an embedding was looked for in X and obsm; set key to one of: {there}"
    )


def _read_npy(path: str) -> np.ndarray:
    try:
        with Path(path).open("rb") as file:
            content = np.load(file, allow_pickle=False)
    # On a damaged head numpy raises whatever its reading of Python trips over.
    except Exception as error:
        raise InputError(
            f"{path}: cannot be read as .npy ({_line(error)}); is it complete?"
        ) from error
    if not isinstance(content, np.ndarray):
        raise InputError(f"{path}: is an archive of arrays (.npz); save the one that is meant")
    return content


def _read_tensor(path: str, key: str | None) -> np.ndarray:
    import torch

    from featurelens.torch_files import as_array, load_safely

    content = load_safely(path)
    if isinstance(content, Mapping):
        if key is None:
            there = ", ".join(map(str, content))
            raise InputError(f"{path}: holds a dictionary; set key to one of {there}")
        require_key(key, content, path)
        content = content[key]
    if not isinstance(content, torch.Tensor):
        raise InputError(f"{path}: holds a {type(content).__name__}, not a tensor")
    return as_array(content)


def _line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
