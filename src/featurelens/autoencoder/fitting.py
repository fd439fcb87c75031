"""Train stacks of linear layers by minibatch Adam with early stopping, as the author does.

Autoencoders and the published linear probe are both of this kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from featurelens.autoencoder.gradients import Layers, Linear
from featurelens.autoencoder.rows import Rows
from featurelens.means import Log, silent
from featurelens.progress import Progress


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
@np.errstate(all="ignore")  # what is not finite is found in the loss
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
    size, moves = len(train.inputs), (schedule.learning_rate, schedule.weight_decay)
    is_plain = list(rectified) == [False] and not watched and train.shares is None
    if is_plain and Linear.is_cheaper(
        min(schedule.batch_size or size, size), train.inputs.shape[1], len(weights[0])
    ):
        weight, bias = weights
        layers: Layers | Linear = Linear(weight, bias, *moves)
    else:
        layers = Layers(weights, rectified, *moves, watched=watched)
        train = train.made_if_few()
    validation = validation.made_if_few()
    best = [weight.clone() for weight in layers.weights]
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


def _epoch(
    layers: Layers | Linear, train: Rows, schedule: Schedule, generator: torch.Generator
) -> float:
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
        yield rows
        return
    order = (
        torch.arange(n_rows) if generator is None else torch.randperm(n_rows, generator=generator)
    )
    order = order.to(rows.inputs.device)
    for index in order.split(batch_size):
        yield rows.taken(index)


def _validate(
    layers: Layers | Linear, rows: Rows, schedule: Schedule, order: torch.Generator
) -> float:
    """Mean loss over rows, or over batches."""
    if schedule.losses == "rows" or not 0 < schedule.batch_size < len(rows.inputs):
        return _mean_loss(layers, rows)
    shuffled = order if schedule.losses == "shuffled" else None
    losses = [
        batch.loss(layers.forward(batch.inputs)[-1]).item()
        for batch in map(Rows.made, _batches(rows, schedule.batch_size, shuffled))
    ]
    return sum(losses) / len(losses)


def _mean_loss(layers: Layers | Linear, rows: Rows) -> float:
    """Mean loss over rows, in chunks: no layer's output is held for all of them."""
    n_rows, total = len(rows.inputs), 0.0
    for chunk in rows.chunks(layers.n_together):
        loss = chunk.loss(layers.forward(chunk.inputs)[-1]).item()
        total += loss * (len(chunk.inputs) if chunk.shares is None else n_rows)
    return total / n_rows
