"""Train many sparse autoencoders on one matrix.

:func:`train` returns trained SAEs; a sweep calls :func:`featurelens.sae.stacks.train_stack`, which
trains no point twice.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from featurelens.io import InputError
from featurelens.means import ALONE, Means
from featurelens.sae import rows
from featurelens.sae.architecture import load_architecture
from featurelens.sae.config import SAEConfig, n_kept, require_valid, width
from featurelens.sae.engine import load_engine
from featurelens.sae.listing import choose, served
from featurelens.sae.loop import Fit, fit_stack
from featurelens.sae.metrics import Evaluation, evaluate
from featurelens.sae.model import SAE
from featurelens.sae.normalisation import Normalisation, normalise
from featurelens.sae.progress import Training
from featurelens.version import __version__


@dataclass(frozen=True, eq=False)
class TrainedSAE:
    """One trained point."""

    config: SAEConfig
    """As asked for."""
    sae: SAE | None
    """Inference form; None where training failed."""
    history: pd.DataFrame
    """One row per epoch: epoch, error, penalty, auxiliary, train_loss, validation_loss."""
    evaluation: Evaluation | None
    """Metrics over all rows; None where training failed."""
    row: rows.Row
    """Status, every hyperparameter and metric by column name; None where there is no value."""


def train(
    X: np.ndarray,
    configs: Sequence[SAEConfig],
    *,
    engine: str = "auto",
    means: Means = ALONE,
) -> list[TrainedSAE]:
    """Train every configuration on the rows of ``X`` (n, d_in).

    A point that diverges or raises comes back with ``sae`` None and the reason in its row.

    Raises
    ------
    InputError
        If ``X`` is empty, has one row, or holds NaN or infinity, or if a width is below 1.
    """
    X = check_data(X, configs)
    results = dict(train_each(X, configs, engine, means))
    return [results[index] for index in range(len(configs))]


def check_data(X: np.ndarray, configs: Sequence[SAEConfig]) -> np.ndarray:
    """Return ``X`` as a C-ordered float32 array, if it can be trained on.

    Raises
    ------
    InputError
        If it is not two-dimensional, has fewer than two rows or no column, holds NaN or infinity,
        or if a configuration has a value that is not allowed or would have no feature.
    """
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[0] < 2 or X.shape[1] < 1:
        raise InputError(
            f"an SAE needs a matrix of at least two rows and one column, not shape {X.shape}"
        )
    X = np.ascontiguousarray(X, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if bad.size:
        raise InputError(
            f"the embedding holds NaN or infinity in {bad.size} of {len(X)} rows, first in row "
            f"{bad[0]}; remove these rows or mend the model that made them"
        )
    for config in configs:
        require_valid(config)
        if width(config, X.shape[1]) < 1:
            raise InputError(
                f"expansion {config.expansion} of {X.shape[1]} dimensions gives no feature"
            )
    return X


def train_each(
    X: np.ndarray,
    configs: Sequence[SAEConfig],
    engine: str,
    means: Means,
) -> Iterator[tuple[int, TrainedSAE]]:
    """Train group by group and yield each point with its place as it finishes."""
    progress = Training(means.log, configs, n_rows=len(X))
    for name, group in plan(configs, X.shape[1], engine=engine, device=means.device):
        progress.start(f"{configs[group[0]].architecture}, engine {name}")
        members = [configs[index] for index in group]
        for place, result in _train_group(X, members, name, means, progress):
            progress.finish(result.config, result.row)
            yield group[place], result


def plan(
    configs: Sequence[SAEConfig], d_in: int, *, engine: str, device: str
) -> list[tuple[str, list[int]]]:
    """Engine and members of each group that is trained together.

    The engine follows from each point's own shape; points of one shape are cut into groups of the
    engine's size.

    Raises
    ------
    InputError
        If the engine asked for is unknown or does not serve an architecture.
    """
    by_shape: dict[tuple, list[int]] = {}
    for index, config in enumerate(configs):
        d_sae = width(config, d_in)
        name = engine
        if config.trained != "all":
            name = choose(config.architecture, d_in, device, partly=True)
        elif engine == "auto":
            name = choose(config.architecture, d_in, device)
        elif config.architecture not in served(engine):
            raise InputError(
                f"engine {engine!r} does not serve architecture {config.architecture!r}"
            )
        by_shape.setdefault((name, *_shape(config, d_sae)), []).append(index)
    groups = []
    for (name, _, d_sae, batch_size, *_), members in by_shape.items():
        size = load_engine(name).stack_size(d_in, d_sae, batch_size, device)
        groups += [(name, members[at : at + size]) for at in range(0, len(members), size)]
    return groups


def _shape(config: SAEConfig, d_sae: int) -> tuple:
    """Return what points must share to be trained together."""
    return (
        config.architecture,
        d_sae,
        config.batch_size,
        config.validation_fraction,
        config.reduction,
        config.trained,
        config.normalise,
        n_kept(config, d_sae) if config.architecture == "topk" else None,
    )


def _train_group(
    X: np.ndarray,
    configs: Sequence[SAEConfig],
    engine: str,
    means: Means,
    progress: Training,
) -> Iterator[tuple[int, TrainedSAE]]:
    """Train one group; if the group as a whole fails, train each unfinished point alone."""
    waiting = dict(enumerate(configs))
    try:
        for index, result in _fit_group(X, configs, engine, means, progress):
            del waiting[index]
            yield index, result
    except InputError:
        raise
    except Exception as error:
        for index, config in waiting.items():
            if len(configs) == 1:
                yield index, _failed(config, X, engine, means.device, error)
            else:
                alone = _train_group(X, [config], engine, means, progress)
                yield from ((index, result) for _, result in alone)


def _fit_group(
    X: np.ndarray,
    configs: Sequence[SAEConfig],
    engine: str,
    means: Means,
    progress: Training,
) -> Iterator[tuple[int, TrainedSAE]]:
    asked = time.perf_counter()
    seen, normalisation = normalise(X, configs[0])
    entry = load_engine(engine)
    with entry.session(means.threads):
        started = time.perf_counter()
        progress.ready(engine, started - asked)
        fits = fit_stack(
            seen, configs, entry.make_stepper, device=means.device, progress=progress.advance
        )
        for index, fit in fits:
            seconds = (time.perf_counter() - started) / len(configs)
            about = rows.describe(
                configs[index], X.shape[1], engine=engine, device=means.device, seconds=seconds
            )
            yield index, _result(configs[index], fit, X, normalisation, about)


def _result(
    config: SAEConfig, fit: Fit, X: np.ndarray, normalisation: Normalisation | None, row: rows.Row
) -> TrainedSAE:
    """Fold, measure and describe one fit."""
    sae, evaluation = None, None
    if not fit.message:
        sae = load_architecture(config.architecture).fold(fit.parameters, config)
        sae = replace(sae, metadata={"version": __version__, "config": asdict(config)})
        if normalisation is not None:
            sae = normalisation.undo(sae)
        with np.errstate(over="ignore", invalid="ignore"):
            evaluation = evaluate(sae, X)
        if not np.isfinite(evaluation.mse):
            fit = replace(fit, diverged_step=fit.n_steps)
            sae, evaluation = None, None
    row = row | rows.measure(config, X.shape[1], fit, evaluation)
    return TrainedSAE(config, sae, history_table(fit), evaluation, row)


def history_table(fit: Fit) -> pd.DataFrame:
    """Return one row per epoch, counted from 1."""
    epochs = np.arange(1, len(fit.history["train_loss"]) + 1)
    return pd.DataFrame({"epoch": epochs, **fit.history})


def _failed(
    config: SAEConfig, X: np.ndarray, engine: str, device: str, error: Exception
) -> TrainedSAE:
    row = rows.describe(config, X.shape[1], engine=engine, device=device, seconds=None)
    lines = str(error).splitlines() or [""]
    row |= {"status": "failed", "message": f"{type(error).__name__}: {lines[0]}"}
    return TrainedSAE(config, None, pd.DataFrame(), None, row)
