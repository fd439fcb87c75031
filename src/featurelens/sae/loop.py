"""The training loop that every engine shares.

An engine only runs epochs. Batch order, schedules, validation, early stopping and divergence are
decided here, point by point, from the point's own seed, so that a point's result does not depend
on its company.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from featurelens.sae import schedule
from featurelens.sae.architecture import load_architecture
from featurelens.sae.config import SAEConfig, width
from featurelens.sae.initial import linear_layers
from featurelens.sae.metrics import error_term, evaluate, penalty_term
from featurelens.sae.model import SAE
from featurelens.sae.splits import INIT, ORDER, generator, split_rows

Arrays = dict[str, np.ndarray]


class Stepper(Protocol):
    """Parameters and optimiser state of the points of one stack."""

    def run_epoch(self, orders: np.ndarray, rates: np.ndarray, sparsity: np.ndarray) -> np.ndarray:
        """Train one epoch.

        Parameters
        ----------
        orders
            Rows of the data in the order of training, (n_points, n_train).
        rates, sparsity
            Learning rate and factor of the penalty at each step, (n_points, n_steps).

        Returns
        -------
        ndarray
            Error, penalty and auxiliary term of each step, (n_points, n_steps, 3).
        """

    def parameters(self, slot: int) -> Arrays:
        """Copies of the parameters of the point in ``slot``."""

    def keep(self, slots: Sequence[int]) -> None:
        """Go on with the points in ``slots`` only, in that order."""


MakeStepper = Callable[[np.ndarray, Sequence[SAEConfig], Sequence[Arrays], str], Stepper]
"""(data (n, d_in), configs, initial parameters, device) to a stepper."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What training one point gave."""

    parameters: Arrays
    """Trained parameters; empty where training failed."""
    history: dict[str, np.ndarray]
    """Columns by epoch: error, penalty, auxiliary, train_loss, validation_loss."""
    n_train: int
    """Rows trained on."""
    n_steps: int
    """Steps taken."""
    diverged_step: int | None = None
    """First step (from 0) whose loss was not finite."""

    @property
    def message(self) -> str:
        """Why training failed, or nothing."""
        if self.diverged_step is None:
            return ""
        return f"diverged: the loss is not finite at step {self.diverged_step}"


def initial_parameters(config: SAEConfig, d_in: int, dtype: np.dtype) -> Arrays:
    """Draw the starting parameters of one point."""
    own = load_architecture(config.architecture).init
    init = linear_layers if config.initialisation == "linear" else own
    drawn = init(generator(config, INIT), d_in, width(config, d_in))
    return {name: np.ascontiguousarray(value, dtype=dtype) for name, value in drawn.items()}


@dataclass(eq=False)
class _Point:
    """Where one point of a running stack stands."""

    index: int
    config: SAEConfig
    train_rows: np.ndarray
    validation_rows: np.ndarray
    orders: np.random.Generator
    terms: list[np.ndarray] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best: Arrays = field(default_factory=dict)

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.train_rows) // self.config.batch_size)

    def next_order(self) -> np.ndarray:
        return self.orders.permutation(self.train_rows)

    def factors(self, kind: Callable[..., np.ndarray]) -> np.ndarray:
        steps = self.steps_per_epoch
        return kind(self.config, len(self.terms) * steps, steps, self.config.epochs * steps)


def fit_stack(
    X: np.ndarray,
    configs: Sequence[SAEConfig],
    make: MakeStepper,
    *,
    device: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, Fit]]:
    """Train the points of one stack and yield each with its place as it finishes.

    Parameters
    ----------
    X
        Data (n, d_in); its dtype is the precision of training.
    configs
        Points of equal architecture, width, batch size, validation fraction and trained part.
    make
        The engine.
    device
        Where the engine works.
    progress
        Called after each epoch with the steps just done, summed over points.
    """
    X = np.ascontiguousarray(X)
    initial = [initial_parameters(config, X.shape[1], X.dtype) for config in configs]
    if configs[0].trained == "nothing":
        yield from (
            (index, _untouched(config, start, len(X)))
            for index, (config, start) in enumerate(zip(configs, initial, strict=True))
        )
        return
    stepper = make(X, configs, initial, device)
    points = [_start(index, config, len(X)) for index, config in enumerate(configs)]
    while points:
        terms = stepper.run_epoch(
            np.stack([point.next_order() for point in points]),
            np.stack([p.factors(schedule.rate_factors) * p.config.learning_rate for p in points]),
            np.stack([point.factors(schedule.sparsity_factors) for point in points]),
        )
        if progress is not None:
            progress(terms.shape[0] * terms.shape[1])
        going = []
        for slot, point in enumerate(points):
            point.terms.append(terms[slot])
            fit = _advance(point, stepper, slot, X)
            if fit is None:
                going.append(slot)
            else:
                yield point.index, fit
        if going and len(going) < len(points):
            stepper.keep(going)
        points = [points[slot] for slot in going]


def _untouched(config: SAEConfig, initial: Arrays, n_rows: int) -> Fit:
    """Return the initial parameters as a fit of no step."""
    columns = ("error", "penalty", "auxiliary", "train_loss", "validation_loss")
    return Fit(
        parameters=initial,
        history={name: np.zeros(0) for name in columns},
        n_train=len(split_rows(n_rows, config)[0]),
        n_steps=0,
    )


def _start(index: int, config: SAEConfig, n_rows: int) -> _Point:
    train, validation = split_rows(n_rows, config)
    return _Point(index, config, train, validation, generator(config, ORDER))


def _advance(point: _Point, stepper: Stepper, slot: int, X: np.ndarray) -> Fit | None:
    """Validate after an epoch; return the fit if the point is finished."""
    if not np.isfinite(point.terms[-1]).all():
        return _finish(point, {})
    stop = len(point.terms) == point.config.epochs
    if len(point.validation_rows):
        stop |= _validate(point, stepper.parameters(slot), X)
    if not stop:
        return None
    return _finish(point, point.best or stepper.parameters(slot))


def _validate(point: _Point, parameters: Arrays, X: np.ndarray) -> bool:
    """Record the validation loss, keep the best weights, and say whether to stop early."""
    config = point.config
    sae = load_architecture(config.architecture).fold(parameters, config)
    loss = _held_out_loss(sae, X[point.validation_rows], config)
    if config.validation == "unreset":
        n_batches = -(-len(point.validation_rows) // config.batch_size)
        loss += point.terms[-1].sum() / n_batches
    if config.convention == "corrected" and loss < min(point.validation, default=np.inf):
        point.best = parameters
    point.validation.append(loss)
    looks_before = config.validation == "unreset"
    return stops_early(point.validation, config.patience, looks_before=looks_before)


def _held_out_loss(sae: SAE, rows: np.ndarray, config: SAEConfig) -> float:
    """Mean loss over rows; published: over batches, of which the last may have fewer rows."""
    n_whole = len(rows) // config.batch_size
    cut = n_whole * config.batch_size
    if config.convention == "corrected" or cut in (0, len(rows)):
        held_out = evaluate(sae, rows)
        penalty = np.nan_to_num(penalty_term(held_out, config, sae.d_sae))
        return float(error_term(held_out, config, sae.d_in) + penalty)
    whole, last = (_held_out_loss(sae, part, config) for part in (rows[:cut], rows[cut:]))
    return (n_whole * whole + last) / (n_whole + 1)


def stops_early(validation: Sequence[float], patience: int, *, looks_before: bool = False) -> bool:
    """Return whether the lowest loss lies before the last ``patience`` epochs.

    This is the author's rule: from epoch ``patience`` + 2 on, stop when
    min(losses[-patience:]) > min(losses). His sweep over cells looks before each epoch, not after
    it (``looks_before``), and so for the first time one epoch earlier. ``patience`` 0 never stops.
    """
    if not patience or len(validation) <= patience + (not looks_before):
        return False
    return min(validation[-patience:]) > min(validation)


def _finish(point: _Point, parameters: Arrays) -> Fit:
    terms = np.stack(point.terms)  # (n_epochs, n_steps, 3)
    steps = terms.reshape(-1, 3)
    bad = np.flatnonzero(~np.isfinite(steps).all(axis=1))
    diverged = int(bad[0]) if bad.size else None
    if diverged is None and not all(np.isfinite(value).all() for value in parameters.values()):
        diverged = len(steps)
    means = terms.mean(axis=1)
    validation = np.full(len(terms), np.nan)
    validation[: len(point.validation)] = point.validation
    return Fit(
        parameters=parameters if diverged is None else {},
        history={
            "error": means[:, 0],
            "penalty": means[:, 1],
            "auxiliary": means[:, 2],
            "train_loss": means.sum(axis=1),
            "validation_loss": validation,
        },
        n_train=len(point.train_rows),
        n_steps=len(steps),
        diverged_step=diverged,
    )
