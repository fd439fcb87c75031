"""Train stacks of linear layers by minibatch Adam with early stopping, as the author does.

Autoencoders and the published linear probe are both of this kind. One lean loop over tensors that
stay in memory, with the gradients written out: the paper's small autoencoder takes 20,000 steps
of microseconds each, so nothing that can wait may stand inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from featurelens.means import Log, silent
from featurelens.progress import Progress

_CHUNK_VALUES = 2**24
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
"""Defaults of torch.optim.Adam, as the author uses it."""
_UNKNOWN = torch.tensor(float("nan"))


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

    def batch(self, index: slice | Tensor) -> Rows:
        """Some of the rows, made."""
        targets = _selected(self.targets, index)
        if self.mixing is not None:
            targets = targets @ self.mixing
        inputs = targets if self.inputs is self.targets else _selected(self.inputs, index)
        return Rows(inputs, targets, None if self.shares is None else _selected(self.shares, index))

    def made(self) -> Rows:
        """The same rows with their targets made, where they are few enough to be held."""
        if self.mixing is None or len(self.targets) * self.mixing.shape[1] > _CHUNK_VALUES:
            return self
        return self.batch(slice(None))

    def chunks(self, n_rows: int) -> Iterator[Rows]:
        """Slices of at most ``n_rows`` rows, made one after another."""
        for start in range(0, len(self.inputs), n_rows):
            yield self.batch(slice(start, start + n_rows))


def _selected(values: Tensor, index: slice | Tensor) -> Tensor:
    return values[index] if isinstance(index, slice) else values.index_select(0, index)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How to descend."""

    learning_rate: float
    """Step size of Adam."""
    weight_decay: float
    """L2 penalty as torch's Adam applies it (added to the gradient)."""
    batch_size: int
    """Rows per step; 0 takes all rows, in their order."""
    epochs: int
    """Passes over the data, at most."""
    patience: int
    """Stop when the best validation loss is older than this many epochs; 0 never stops early."""
    weights: Literal["best", "last"]
    """Return the weights of the best validation loss, or those of the last epoch."""
    losses: Literal["rows", "batches", "shuffled"] = "rows"
    """Losses of an epoch are means over rows, or means over batches of their losses, in which a
    shorter last batch counts as much as the others: of batches in the order of the rows, or of
    shuffled ones, in another order in every epoch."""


@dataclass(frozen=True)
class Fit:
    """Fitted weights and the loss of every epoch."""

    weights: list[np.ndarray]
    """In the order of the initial weights, float32."""
    history: pd.DataFrame
    """epoch (from 0), train_loss (during the epoch), validation_loss (after it): mean squares."""


@torch.no_grad()
def fit(
    weights: Sequence[Tensor],
    rectified: Sequence[bool],
    train: Rows,
    validation: Rows,
    *,
    schedule: Schedule,
    generator: torch.Generator,
    watched: bool = True,
    log: Log = silent,
    what: str = "epochs trained",
) -> Fit:
    """Minimise the mean squared error of stacked linear layers.

    Parameters
    ----------
    weights
        Initial weight (d_out, d_in) and bias (d_out,) of every layer in turn; not written to.
    rectified
        Whether a ReLU follows each layer.
    train, validation
        Inputs and targets; shares need ``batch_size`` 0. Where targets are mixed and too many to
        be held, no more than a batch or a chunk of them is made at a time.
    schedule
        How to descend.
    generator
        Source of the batch order.
    watched
        Whether the loss during training is computed; ``train_loss`` is NaN where it is not.
    log
        Receives how far it is, and, where training is watched, the losses at about twenty moments.
    what
        What is said to be done.

    Raises
    ------
    FloatingPointError
        If the validation loss is not finite after an epoch.
    """
    layers = _Layers(weights, rectified, schedule, watched=watched)
    best = [weight.clone() for weight in layers.weights]
    train = train.made()
    validation = validation.made()
    losses: list[tuple[float, float]] = []
    best_epoch, best_loss = 0, float("inf")
    order = torch.Generator().manual_seed(generator.initial_seed())
    progress = Progress(log, schedule.epochs, "epochs at most", what)
    for epoch in range(schedule.epochs):
        train_loss = _epoch(layers, train, schedule, generator)
        validation_loss = _validate(layers, validation, schedule, order)
        if not np.isfinite(validation_loss):
            raise FloatingPointError(
                f"validation loss is {validation_loss} after epoch {epoch}; lower learning_rate"
            )
        losses.append((train_loss, validation_loss))
        if validation_loss <= best_loss:
            best_epoch, best_loss = epoch, validation_loss
            for new, old in zip(layers.weights, best, strict=True):
                old.copy_(new)
        progress.advance()
        if watched and epoch % max(1, schedule.epochs // 20) == 0:
            log(f"epoch {epoch}: train {train_loss:.6g}, validation {validation_loss:.6g}")
        if 0 < schedule.patience <= epoch - best_epoch and epoch > schedule.patience:
            break
    kept = best if schedule.weights == "best" else layers.weights
    history = pd.DataFrame(losses, columns=["train_loss", "validation_loss"])
    history.insert(0, "epoch", np.arange(len(history)))
    return Fit([weight.cpu().numpy() for weight in kept], history)


def linear_init(d_in: int, d_out: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Weight (d_out, d_in) and bias (d_out,) as ``torch.nn.Linear`` draws them: U(±1/√d_in)."""
    bound = d_in**-0.5
    weight = torch.empty(d_out, d_in).uniform_(-bound, bound, generator=generator)
    return weight, torch.empty(d_out).uniform_(-bound, bound, generator=generator)


class _Layers:
    """Stacked linear layers, their gradients and the state of Adam."""

    def __init__(
        self,
        weights: Sequence[Tensor],
        rectified: Sequence[bool],
        schedule: Schedule,
        *,
        watched: bool,
    ) -> None:
        self.weights = [weight.detach().clone() for weight in weights]
        self._rectified, self._watched = rectified, watched
        self._turned = [weight.T for weight in self.weights[::2]]
        self._gradients, self._means, self._squares = (
            [torch.zeros_like(weight) for weight in self.weights] for _ in range(3)
        )
        self._taken = torch.zeros((), device=self.weights[0].device)
        self._descend = partial(
            torch._fused_adam_,  # what torch.optim.Adam calls, without its book-keeping
            self.weights,
            self._gradients,
            self._means,
            self._squares,
            [],
            [self._taken] * len(self.weights),
            lr=schedule.learning_rate,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=schedule.weight_decay,
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )

    @property
    def n_together(self) -> int:
        """Rows whose widest layer is held at once where no gradient is needed."""
        return max(1, _CHUNK_VALUES // max(len(weight) for weight in self.weights))

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """Return the inputs and the output of every layer after its ReLU."""
        layers = [inputs]
        for layer, is_rectified in enumerate(self._rectified):
            values = torch.addmm(self.weights[2 * layer + 1], layers[-1], self._turned[layer])
            layers.append(values.relu_() if is_rectified else values)
        return layers

    def step(self, rows: Rows) -> Tensor:
        """Take one step, return the loss before it, NaN where that is not watched."""
        layers = self.forward(rows.inputs)
        error = layers[-1] - rows.targets
        loss = _loss(error, rows) if self._watched else _UNKNOWN
        if rows.shares is None:
            delta = error.mul_(2 / error.numel())
        else:
            delta = error.mul_(rows.shares).mul_(2 / error.shape[1])
        for layer in reversed(range(len(self._rectified))):
            if self._rectified[layer]:
                delta = torch.ops.aten.threshold_backward(delta, layers[layer + 1], 0)
            torch.mm(delta.T, layers[layer], out=self._gradients[2 * layer])
            torch.sum(delta, 0, out=self._gradients[2 * layer + 1])
            if layer:
                delta = delta @ self.weights[2 * layer]
        self._taken += 1
        self._descend()
        return loss


def _epoch(layers: _Layers, train: Rows, schedule: Schedule, generator: torch.Generator) -> float:
    """Take the steps of one epoch; return the mean loss over rows or batches."""
    losses, sizes = [], []
    for batch in _batches(train, schedule.batch_size, generator):
        losses.append(layers.step(batch))
        sizes.append(len(batch.inputs))
    # read at the end: a value read after every step would make a GPU wait for the next one
    if schedule.losses != "rows":
        return sum(loss.item() for loss in losses) / len(losses)
    total = sum(loss.item() * size for loss, size in zip(losses, sizes, strict=True))
    return total / len(train.inputs)


def _batches(rows: Rows, batch_size: int, generator: torch.Generator | None) -> Iterator[Rows]:
    """Batches of shuffled rows, or without a generator of the rows as they stand."""
    n_rows = len(rows.inputs)
    if not 0 < batch_size < n_rows:
        yield rows if rows.mixing is None else rows.batch(slice(None))
        return
    order = (
        torch.arange(n_rows) if generator is None else torch.randperm(n_rows, generator=generator)
    )
    order = order.to(rows.inputs.device)
    for index in order.split(batch_size):
        yield rows.batch(index)


def _validate(layers: _Layers, rows: Rows, schedule: Schedule, order: torch.Generator) -> float:
    """Mean loss over rows, or over batches."""
    if schedule.losses == "rows" or not 0 < schedule.batch_size < len(rows.inputs):
        return _mean_loss(layers, rows)
    shuffled = order if schedule.losses == "shuffled" else None
    losses = [
        _loss(layers.forward(batch.inputs)[-1].sub_(batch.targets), batch).item()
        for batch in _batches(rows, schedule.batch_size, shuffled)
    ]
    return sum(losses) / len(losses)


def _mean_loss(layers: _Layers, rows: Rows) -> float:
    """Mean loss over rows, in chunks: no layer's output is held for all of them."""
    n_rows, total = len(rows.inputs), 0.0
    for chunk in rows.chunks(layers.n_together):
        output = layers.forward(chunk.inputs)[-1]
        loss = _loss(output.sub_(chunk.targets), chunk).item()
        total += loss * (len(chunk.inputs) if chunk.shares is None else n_rows)
    return total / n_rows


def _loss(error: Tensor, rows: Rows) -> Tensor:
    """Mean squared error over rows and columns."""
    if rows.shares is None:
        return error.square().mean()
    return (error.square() * rows.shares).sum() / error.shape[1]
