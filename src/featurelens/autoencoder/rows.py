"""What linear layers are trained on: rows of inputs and targets, some of them made when needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from featurelens.products import product

CHUNK_VALUES = 2**24
"""Most values of a layer or of made targets that are held for all rows at once."""


@dataclass(frozen=True)
class Rows:
    """Inputs and what should come out of them."""

    inputs: Tensor
    """(n, d_in)"""
    targets: Tensor
    """(n, d_out), or (n, d_mixed) where there is ``mixing``"""
    shares: Tensor | None = None
    """(n, 1) weights that sum to 1, for rows that stand for several equal ones; None: 1 / n."""
    mixing: Tensor | None = None
    """(d_mixed, d_out): targets are made of a batch, as targets @ mixing, when it is needed; so
    are inputs where they are the same tensor."""

    def taken(self, index: slice | Tensor) -> Rows:
        """Some of the rows, not made."""
        targets = _selected(self.targets, index)
        inputs = targets if self.inputs is self.targets else _selected(self.inputs, index)
        shares = None if self.shares is None else _selected(self.shares, index)
        return Rows(inputs, targets, shares, self.mixing)

    def made(self) -> Rows:
        """The same rows with their targets made."""
        if self.mixing is None:
            return self
        targets = product(self.targets, self.mixing)
        return Rows(targets if self.inputs is self.targets else self.inputs, targets, self.shares)

    def made_if_few(self) -> Rows:
        """Made, where what is made is little enough to be held."""
        n_made = 0 if self.mixing is None else len(self.targets) * self.mixing.shape[1]
        return self.made() if n_made <= CHUNK_VALUES else self

    def chunks(self, n_rows: int) -> Iterator[Rows]:
        """Slices of at most ``n_rows`` rows, made one after another."""
        for start in range(0, len(self.inputs), n_rows):
            yield self.taken(slice(start, start + n_rows)).made()

    def loss(self, outputs: Tensor) -> Tensor:
        """Mean squared error of outputs (n, d_out) over rows and columns; rows have to be made."""
        return self.loss_of(outputs - self.targets)

    def loss_of(self, error: Tensor) -> Tensor:
        """The same from errors."""
        if self.shares is None:
            return error.square().mean()
        return (error.square() * self.shares).sum() / error.shape[1]


def _selected(values: Tensor, index: slice | Tensor) -> Tensor:
    return values[index] if isinstance(index, slice) else values.index_select(0, index)
