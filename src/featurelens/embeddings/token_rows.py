"""Rows of an embedding that are tokens: several a cell, whose activations are pooled to cells.

A model that reads a cell as a list of genes has a state for every gene of it, and an SAE may be
trained on those. Its features are then of genes in cells; all that follows compares cells, so a
cell's activation is the largest of its tokens', or their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.embeddings.named_rows import NamedRows
from featurelens.io import InputError, read_json, read_obsm, sha256_array

if TYPE_CHECKING:
    from featurelens.embeddings.models.precomputed.config import PrecomputedModel

Pooling = Literal["max", "mean"]
ROWS_AT_ONCE = 4096
"""Tokens whose activations are dense at once, unless a single cell has more."""


class Pooled(NamedTuple):
    """Activations of cells, (n_cells, n_features)."""

    max: sparse.csr_matrix
    """Largest over the tokens of a cell."""
    mean: sparse.csr_matrix
    """Mean over the tokens of a cell, those that do not activate the feature included."""

    def of(self, pooling: Pooling) -> sparse.csr_matrix:
        """Either of them by its name."""
        return getattr(self, pooling)

    def other(self, pooling: Pooling) -> Pooling:
        """Name of the one that is not asked for."""
        return next(name for name in get_args(Pooling) if name != pooling)


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Token states, those of a cell one after another, cells in the order of a data set."""

    values: np.ndarray
    """(n_tokens, d) float32."""
    bounds: np.ndarray
    """(n_cells + 1,): tokens of cell i are those from bounds[i] to bounds[i + 1]."""
    pooling: Pooling = "max"
    """What is tested and shown; the other is kept beside it."""

    @classmethod
    def of(
        cls, rows: NamedRows, names: pd.Index, cells: str, *, pooling: Pooling = "max"
    ) -> TokenRows:
        """Rows that name their cells, in the order of a data set's cells.

        Raises
        ------
        InputError
            If a row names a cell that the data lack, or a cell has no row; the first one is named.
        """
        once = rows.names.unique()
        NamedRows(np.empty((len(once), 0)), once, rows.path).of(names, cells)
        cell = names.get_indexer(rows.names)
        order = np.argsort(cell, kind="stable")
        bounds = np.searchsorted(cell[order], np.arange(len(names) + 1))
        return cls(rows.values[order], bounds, pooling)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.bounds) - 1

    def means(self) -> np.ndarray:
        """Mean state of each cell, (n_cells, d) float32: what maps of the cells are drawn from."""
        wide = np.add.reduceat(self.values, self.bounds[:-1], axis=0, dtype=np.float64)
        return (wide / np.diff(self.bounds)[:, None]).astype(np.float32)

    def pooled(self, encode: Callable[[np.ndarray], sparse.csr_matrix]) -> Pooled:
        """Activations of tokens pooled to cells; dense for some cells at a time.

        Parameters
        ----------
        encode
            From states (n, d) to activations (n, n_features), none negative.
        """
        parts = [
            _pool(encode(self.values[start:stop]), bounds)
            for start, stop, bounds in self._some_cells()
        ]
        return Pooled(*(sparse.vstack(kind, format="csr") for kind in zip(*parts, strict=True)))

    def _some_cells(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """First and last token of some whole cells, and the bounds of these cells within them."""
        first = 0
        while first < self.n_cells:
            start = self.bounds[first]
            fit = int(np.searchsorted(self.bounds, start + ROWS_AT_ONCE, side="right")) - 1
            last = max(fit, first + 1)
            yield int(start), int(self.bounds[last]), self.bounds[first : last + 1] - start
            first = last


def _pool(activations: sparse.csr_matrix, bounds: np.ndarray) -> tuple[sparse.csr_matrix, ...]:
    """Largest and mean activation over the tokens between bounds, (n_cells, n_features) each."""
    codes = activations.toarray()
    sizes = np.diff(bounds)[:, None]
    largest = np.maximum.reduceat(codes, bounds[:-1], axis=0)
    mean = np.add.reduceat(codes, bounds[:-1], axis=0, dtype=np.float64) / sizes
    return sparse.csr_matrix(largest), sparse.csr_matrix(mean.astype(codes.dtype))


def read_token_rows(model: PrecomputedModel, names: pd.Index, cells: str) -> TokenRows:
    """Tokens of a model whose ``rows`` are tokens, in the order of the cells of a data set."""
    from featurelens.embeddings.models.precomputed.files import read_embedding

    return TokenRows.of(read_embedding(model), names, cells, pooling=model.pooling)


def token_rows_of(cells: str | Path) -> TokenRows | None:
    """Tokens behind a bundle, by the file of its cells; None where its rows are cells.

    Raises
    ------
    InputError
        If the file of the tokens is not the one that the bundle was made from.
    """
    import h5py

    from featurelens.datasets.files import names_of
    from featurelens.embeddings.models.precomputed.config import PrecomputedModel
    from featurelens.options import build

    path = Path(cells).parent / "bundle.json"
    info = read_json(path) if path.exists() else {}
    if info.get("config", {}).get("rows") != "tokens":
        return None
    model = build(PrecomputedModel, info["config"])
    with h5py.File(cells) as file:
        names = names_of(file["obs"])
    rows = read_token_rows(model, names, str(cells))
    if sha256_array(rows.values) != info["fit"]["tokens_sha256"]:
        raise InputError(f"{model.path}: its tokens are not those of {path}; make the bundle again")
    return rows


def training_rows(cells: str | Path) -> np.ndarray:
    """What an SAE on a bundle is trained on, (n_rows, d): the embedding of cells, or tokens."""
    tokens = token_rows_of(cells)
    return read_obsm(cells) if tokens is None else tokens.values
