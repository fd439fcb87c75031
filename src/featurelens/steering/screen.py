"""Every feature of an SAE at once: what setting it does to every gene of some cells.

A decoder that ends in a softmax over genes needs no look at single genes in single cells. The
logarithm of a share is its logit less one number of the cell, which is the same for all genes and
falls away against the typical gene; and logits are linear in the last hidden layer. So the mean log
ratio of every gene is the last weights times the mean change of that layer, exactly, and what
remains to be computed for cells is the small layers before it. There a feature changes the input by
one number times its direction. Other decoders are evaluated on all genes of a part of the cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.steering.edits import Edit, Operation, SparseAutoencoder, edit_cells
from featurelens.steering.effects import Reading, closed, log2
from featurelens.threads import in_threads, one_blas_thread

if TYPE_CHECKING:
    from featurelens.embeddings.bundle import Bundle

BLOCK = 64
"""Features whose effects are held at once: 7 MB of 13,431 genes in double precision."""
MOST_CELLS = 256
"""Cells on which other decoders are evaluated, evenly spaced among those given."""


@dataclass(frozen=True, eq=False)
class Screened:
    """Effects of some features."""

    features: np.ndarray
    """Their numbers, (n,)."""
    log2_fold: np.ndarray
    """(n, n_genes) float32, less the typical gene's."""


def screen(
    sae: SparseAutoencoder,
    bundle: Bundle,
    rows: np.ndarray,
    values: np.ndarray,
    *,
    features: Sequence[int] | np.ndarray,
    operation: Operation = "set",
    pseudocount: float = 0.1,
    library: float = 1e4,
    threads: int = 1,
) -> Iterator[Screened]:
    """Edit one feature after another in the same cells; the error of the SAE cancels.

    Parameters
    ----------
    rows
        Positions of the cells in the bundle, (n,); each is decoded with its own covariates.
    values
        What each feature is set to (or added, or multiplied by), (d_sae,).
    features
        Numbers of the features, such as the live ones.
    pseudocount, library
        Counts per library added to both sides of a ratio: to the geometric mean over cells of a
        gene where the decoder ends in a softmax, else to each cell (as
        :class:`featurelens.steering.effects.Reading`).
    threads
        Features worked on at once; changes no result.

    Yields
    ------
    Screened
        Blocks of at most :data:`BLOCK` features, in their order.
    """
    features = np.asarray(features)
    has_layers = isinstance(bundle.decoder, MLPSoftmaxDecoder) and len(bundle.decoder.weights) > 1
    make = _Softmax if has_layers else _AnyDecoder
    one = make(sae, bundle, rows, least=pseudocount / library)
    edits = [Edit(int(number), operation, float(values[number])) for number in features]
    with one_blas_thread():
        for start in range(0, len(edits), BLOCK):
            block = edits[start : start + BLOCK]
            found = np.stack(list(in_threads(one.change, block, threads)))
            effects = log2(one.effects(found)).astype(np.float32)
            yield Screened(features[start : start + BLOCK], effects)


class _Softmax:
    """A network that ends in a softmax: only its hidden layers are evaluated on cells."""

    def __init__(
        self, sae: SparseAutoencoder, bundle: Bundle, rows: np.ndarray, *, least: float
    ) -> None:
        decoder = bundle.decoder
        assert isinstance(decoder, MLPSoftmaxDecoder)
        self.weights, self.biases, self.least = decoder.weights, decoder.biases, least
        X = bundle.embedding[rows]
        d = X.shape[1]
        code = np.broadcast_to(decoder.mean_covariate, (len(X), len(decoder.mean_covariate)))
        if bundle.covariate is not None and code.shape[1]:
            code = bundle.covariate[rows]
        self.codes = sae.encode(X)
        inputs = np.concatenate([X, code], axis=1, dtype=np.float32, casting="same_kind")
        self.first = inputs @ self.weights[0].T + self.biases[0]  # before its activation
        self.along = sae.directions.astype(np.float32) @ self.weights[0][:, :d].T
        self.base = self._hidden_mean(self.first)
        self.shares = bundle.decode(X, rows=rows, library=1.0).mean(axis=0, dtype=np.float64)
        self.typical = self._typical(bundle, X, rows)

    def change(self, edit: Edit) -> np.ndarray:
        """Mean change of the last hidden layer, (n_hidden,)."""
        before = self.codes[:, edit.feature]
        delta = edit.apply(before) - before
        return self._hidden_mean(self.first + delta[:, None] * self.along[edit.feature]) - self.base

    def effects(self, changes: np.ndarray) -> np.ndarray:
        """Natural log ratios, (n, n_genes)."""
        ratios = changes @ self.weights[-1].T.astype(np.float64)
        ratios = closed(ratios, self.shares, "typical_gene")
        return np.log((self.typical * np.exp(ratios) + self.least) / (self.typical + self.least))

    def _hidden_mean(self, first: np.ndarray) -> np.ndarray:
        hidden = np.maximum(first, 0)
        for weight, bias in zip(self.weights[1:-1], self.biases[1:-1], strict=True):
            hidden = hidden @ weight.T
            hidden += bias
            np.maximum(hidden, 0, out=hidden)
        return hidden.mean(axis=0, dtype=np.float64)

    @staticmethod
    def _typical(bundle: Bundle, X: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Geometric mean over cells of the share of every gene."""
        reading = Reading(bundle=bundle, rows=rows, pseudocount=float(np.finfo(np.float32).tiny))
        return np.exp(reading.mean_logarithms(X))


class _AnyDecoder:
    """A decoder that is evaluated on every gene of some of the cells."""

    def __init__(
        self, sae: SparseAutoencoder, bundle: Bundle, rows: np.ndarray, *, least: float
    ) -> None:
        step = -(-len(rows) // MOST_CELLS)
        self.sae, self.rows = sae, rows[::step]
        self.X = bundle.embedding[self.rows]
        self.reading = Reading(bundle=bundle, rows=self.rows, pseudocount=least, library=1.0)
        self.codes = sae.encode(self.X)
        self.base = self.reading.mean_logarithms(self.X)
        self.shares = self.reading.shares(self.X)

    def change(self, edit: Edit) -> np.ndarray:
        """Mean change of the logarithm of every gene, (n_genes,)."""
        after = edit_cells(self.sae, self.X, [edit], codes=self.codes).after
        return self.reading.mean_logarithms(after) - self.base

    def effects(self, changes: np.ndarray) -> np.ndarray:
        """Natural log ratios, (n, n_genes)."""
        return closed(changes, self.shares, "typical_gene")
