"""Where the parts of a cells' file lie, and how to read no more of them than is wanted.

``.h5ad`` keeps all features of a cell in one matrix; a modality is then a subset of its columns.
``.h5mu`` (MuData) keeps one AnnData per modality below ``mod`` with its own ``obs`` and ``obsm``;
columns and embeddings of all modalities, such as a split, lie in the common ones. ``raw.X`` may
have other genes than X, so that the genes are those of the place of the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from featurelens.datasets.config import RAW, OwnCells, X
from featurelens.datasets.found import Found, Parts, complete, names_in
from featurelens.datasets.stored import (
    columns_of,
    first_values,
    is_matrix,
    names_of,
    read_column,
    read_part,
    table_of,
)
from featurelens.datasets.stores import Store, is_group, open_store, parts_of
from featurelens.io import InputError, require_unique_names


@dataclass(frozen=True, eq=False)
class CellsFile:
    """An open file, by the parts that a reader wants."""

    config: OwnCells
    """How it is read; nothing in it is left to be found."""
    found: tuple[str, ...]
    """What was found of it, in words."""
    store: Store
    part: Any
    """Group with X, layers, raw, var, obsm and varm."""
    rows: np.ndarray | None
    """Rows of ``part`` that the cells are; None where they are all of them, in order."""

    @property
    def path(self) -> str:
        """The file."""
        return self.config.path

    @cached_property
    def names(self) -> pd.Index:
        """Names of the cells, in the order that counts; an InputError where one repeats."""
        names = names_of(self.obs)
        require_unique_names(names, f"{self.path}: cell")
        return names

    @property
    def obs(self) -> Any:
        """Stored columns of the cells, one row each, in their order; see :meth:`column`."""
        return self.store.root["obs"]

    @cached_property
    def columns_of_cells(self) -> list[str]:
        """Names of the columns of the cells: the common ones, then the modality's own."""
        common = columns_of(self.obs)
        return common + [name for name in columns_of(self.part["obs"]) if name not in common]

    def column(self, name: str) -> pd.Series:
        """One column of the cells, (n_cells,), without names."""
        if name in columns_of(self.obs):
            return self._one_each(name, read_column(self.obs, name), self.names)
        own = self._one_each(name, read_column(self.part["obs"], name), self.row_names)
        return own if self.rows is None else own.iloc[self.rows].reset_index(drop=True)

    def _one_each(self, name: str, values: pd.Series, names: pd.Index) -> pd.Series:
        if len(values) != len(names):
            raise InputError(
                f"{self.path}: obs[{name!r}] has {len(values)} values for {len(names)} cells; "
                "write the file again"
            )
        return values

    def table(self) -> pd.DataFrame:
        """All columns of the cells, (n_cells, n_columns), by their names."""
        columns = {name: self.column(name).array for name in self.columns_of_cells}
        return pd.DataFrame(columns, index=self.names)

    @property
    def obsm(self) -> dict[str, tuple[Any, np.ndarray | None]]:
        """By key, each stored embedding and its rows that the cells are (None: all, in order).

        The modality's own come before those of all modalities; MuData also keeps there, by the
        name of each modality, which cells it has, and that is no embedding.
        """
        common = {
            key: (value, None)
            for key, value in parts_of(self.store.root, "obsm").items()
            if key not in parts_of(self.store.root, "mod")
        }
        own = {key: (value, self.rows) for key, value in parts_of(self.part, "obsm").items()}
        return common | own

    @property
    def places(self) -> dict[str, Any]:
        """Stored matrices of expression by their place: X, raw.X, and layers by their names."""
        x = self.part.get("X") if self.store.x is None else self.store.x
        raw = self.part.get("raw")
        found = {X: x, RAW: raw["X"] if is_group(raw) and "X" in raw else None}
        found |= parts_of(self.part, "layers")
        return {
            place: value
            for place, value in found.items()
            if value is not None and getattr(value, "shape", ()) is not None
        }

    @property
    def samples(self) -> dict[str, Callable[[], np.ndarray]]:
        """By place of each that is a matrix of numbers, what reads its first values."""
        matrices = {place: each for place, each in self.places.items() if is_matrix(each)}
        return {place: partial(first_values, each) for place, each in matrices.items()}

    def table_of_genes(self, place: str | None = None) -> pd.DataFrame:
        """Features of a place, (n_features, n_columns), kept or not; by default of the counts.

        Those of raw.X have the columns of X's too, where both are the same features.
        """
        place = place or self.config.counts_layer
        var = table_of(self.part["var"])
        if place != RAW:
            return var
        own = table_of(self.part["raw/var"])
        if own.index.equals(var.index):
            own = own.join(var[[column for column in var if column not in own]])
        return own

    @cached_property
    def genes(self) -> pd.Index:
        """Names of all features of the counts, kept or not."""
        is_raw = self.config.counts_layer == RAW
        return names_of(self.part["raw/var" if is_raw else "var"])

    @cached_property
    def columns(self) -> np.ndarray | None:
        """Positions of the features to keep; None keeps all."""
        config = self.config
        if config.modality is None or "mod" in self.store.root:
            return None
        var = self.table_of_genes()
        require_key(config.modality_column, list(var), f"{self.path}: var")
        labels = var[config.modality_column].astype(str)
        where = f"{self.path}: var[{config.modality_column!r}]"
        require_key(config.modality, labels.unique().tolist(), where)
        return np.flatnonzero(labels == config.modality)

    def varm(self) -> dict[str, Any]:
        """What there is of the features, kept or not, read; nothing of others than the counts'."""
        if self.config.counts_layer == RAW and not self.genes.equals(names_of(self.part["var"])):
            return {}
        return read_part(self.part, "varm")

    @property
    def row_names(self) -> pd.Index:
        """Names of the cells in the order of the rows of ``part``."""
        return self.names if self.rows is None else names_of(self.part["obs"])


@contextmanager
def open_cells(config: OwnCells) -> Iterator[CellsFile]:
    """Open a user's file, find the modality that the config keeps and what it leaves open.

    Raises
    ------
    InputError
        If the file cannot be read, the modality is not in it, or something is not found.
    """
    with open_store(config.path) as store:
        file = CellsFile(config, (), store, store.root, None)
        if "mod" in store.root:
            part = _modality_group(store.root, config)
            rows = _rows_by_name(file.names, names_of(part["obs"]), config)
            file = replace(file, part=part, rows=rows)
        found = _found(file)
        yield replace(file, config=found.config, found=found.lines)


_KNOWN: dict[Any, Found] = {}
"""What was found in files, by config, size and time: a check opens one several times."""


def _found(file: CellsFile) -> Found:
    status = Path(file.path).stat()
    key = repr((file.config, status.st_size, status.st_mtime_ns, status.st_ino))
    if Path(file.path).is_dir() or key not in _KNOWN:  # a folder has no time of its own
        _KNOWN[key] = complete(_parts(file), file.config)
    return _KNOWN[key]


def _parts(file: CellsFile) -> Parts:
    from anndata.io import read_elem

    batches = parts_of(file.store.root, "uns").get("batch_condition")
    return Parts(
        path=file.path,
        form=file.store.form,
        columns=file.columns_of_cells,
        column=file.column,
        values=file.samples,
        genes=file.table_of_genes,
        batches=() if batches is None else names_in(read_elem(batches)),
    )


def require_key(key: Any, available: Any, where: str, *, otherwise: str = "") -> None:
    """Raise :class:`InputError` with the nearest match, all that is there, and another way."""
    if key in available:
        return
    names = [str(name) for name in available]
    near = get_close_matches(str(key), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    there = ", ".join(names) if names else "nothing"
    other_way = f"; {otherwise}" if otherwise else ""
    raise InputError(f"{where} has no {key!r}; {hint}there is: {there}{other_way}")


def ensembl_column(config: OwnCells, columns: Sequence[str]) -> str | None:
    """Column of var with Ensembl ids: the one that the config names, or one of that very name."""
    if config.ensembl is not None:
        require_key(config.ensembl, columns, f"{config.path}: var")
        return config.ensembl
    return "ensembl" if "ensembl" in columns else None


def _modality_group(root: Any, config: OwnCells) -> Any:
    modalities = parts_of(root, "mod")
    if config.modality is None:
        there = ", ".join(modalities)
        raise InputError(f"{config.path}: holds several modalities; set modality to one of {there}")
    require_key(config.modality, modalities, f"{config.path}: mod")
    return modalities[config.modality]


def _rows_by_name(names: pd.Index, own: pd.Index, config: OwnCells) -> np.ndarray | None:
    """Rows of a modality for the cells of the whole file, joined by name."""
    where = f"{config.path}: mod/{config.modality}"
    require_unique_names(own, f"{where}: cell")
    rows = own.get_indexer(names)
    if (rows < 0).any():
        missing = names[rows < 0]
        raise InputError(
            f"{where} has no cell {str(missing[0])!r} ({len(missing)} such cells); "
            "leave out the cells that lack a modality"
        )
    in_order = len(own) == len(names) and bool((rows == np.arange(len(names))).all())
    return None if in_order else rows
