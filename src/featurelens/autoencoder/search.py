"""Search for the hyperparameters of autoencoders, as the author searched for his.

Learning rate, weight decay and batch size are drawn by an Optuna study for every latent size, depth
and width; a trial trains on the first cells and is scored by the mean of its last three validation
losses (``01_autoencoder_optuna.py``). The author's dropout is not among what is drawn: no
autoencoder of Table S3 has any.

A study lives in a journal, a file to which trials are appended. A search that was interrupted goes
on where it stopped, as if nothing had happened: the trial in hand is drawn and trained again.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from featurelens.autoencoder.config import AutoencoderConfig, SearchConfig
from featurelens.autoencoder.training import train
from featurelens.io import InputError
from featurelens.journals import cut_torn_line
from featurelens.means import Means, silent
from featurelens.progress import Progress
from featurelens.simulation.observables import Observables

if TYPE_CHECKING:
    import optuna


LAST_EPOCHS = 3
"""Epochs at the end whose mean validation loss is a trial's score (author's)."""
_OUTCOMES = {"COMPLETE": "complete", "FAIL": "failed", "PRUNED": "pruned"}
"""How a trial can end: in optuna's words and in ours."""


def search(
    observables: Observables,
    held_out_share: float,
    shape: Mapping[str, Any],
    config: SearchConfig,
    journal: str | Path,
    *,
    means: Means,
) -> pd.DataFrame:
    """Run the trials that the journal does not hold yet.

    Parameters
    ----------
    observables : (n_cells, n_genes)
    held_out_share
        Share of the cells taking part that validates, counted from the end.
    shape
        ``latent``, ``depth`` and ``width``.
    config
        What is drawn, and how often.
    journal
        File of the study; made where it is missing.
    means
        As for :func:`featurelens.autoencoder.training.train`.

    Returns
    -------
    DataFrame
        As :func:`tabulate`.

    Raises
    ------
    InputError
        If Optuna is not installed.
    """
    optuna = _optuna()
    study = open_study(journal)
    cells = observables[: config.n_cells] if config.n_cells else observables
    n_cells = cells.shape[0]
    is_validation = np.arange(n_cells) >= n_cells - max(1, int(n_cells * held_out_share))
    left = config.n_trials - len(_finished(study))
    progress = Progress(means.log, left, "trials", "hyperparameters searched")
    while (n_done := len(_finished(study))) < config.n_trials:
        trial = study.ask()
        # One generator for each trial, so that what is drawn depends on the finished ones alone.
        study.sampler = optuna.samplers.TPESampler(seed=config.seed + n_done)
        drawn = _draw(trial, config)
        started = time.perf_counter()
        chosen = AutoencoderConfig(
            **shape,
            **drawn,
            epochs=config.epochs,
            patience=config.patience,
            convention=config.convention,
            seed=config.seed,
        )
        try:
            fitted = train(cells, is_validation, chosen, means=replace(means, log=silent))
        except FloatingPointError as error:
            means.log(f"trial {n_done}: {error}")
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        losses = fitted.history["validation_loss"]
        trial.set_user_attr("n_epochs", len(losses))
        trial.set_user_attr("best_validation_loss", float(losses.min()))
        trial.set_user_attr("seconds", time.perf_counter() - started)
        loss = float(losses.iloc[-LAST_EPOCHS:].mean())
        study.tell(trial, loss)
        means.log(f"trial {n_done} ({n_done + 1} of {config.n_trials}): {loss:.6g} with {drawn}")
        progress.advance()
    return tabulate(study).head(config.n_trials)


def open_study(journal: str | Path) -> optuna.Study:
    """The study of a journal, made where it is missing."""
    optuna = _optuna()
    Path(journal).parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = optuna.storages.journal.JournalFileBackend(str(journal), _KernelLock(journal))
    return optuna.create_study(
        storage=optuna.storages.JournalStorage(backend),
        study_name="autoencoder",
        direction="minimize",
        load_if_exists=True,
    )


class _KernelLock:
    """A lock of optuna's that ends with the process that holds it, and cuts off a torn line.

    Its own is a link beside the journal, which a killed process leaves: from a relative path the
    next one waits for it without an end.
    """

    def __init__(self, journal: str | Path) -> None:
        self._number = os.open(journal, os.O_RDWR | os.O_CREAT, 0o664)
        self.acquire()
        with Path(journal).open("rb+") as file:
            cut_torn_line(file)
        self.release()

    def acquire(self) -> bool:
        """Wait for the lock."""
        fcntl.flock(self._number, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Give the lock back."""
        fcntl.flock(self._number, fcntl.LOCK_UN)


def tabulate(study: optuna.Study) -> pd.DataFrame:
    """Finished trials of a study in the order in which they began.

    Returns
    -------
    DataFrame
        trial (counted from 0), state (complete, failed or pruned), loss (mean validation loss of
        the last three epochs; NaN where there is none), learning_rate, weight_decay, batch_size,
        n_epochs, best_validation_loss, seconds. A trial that was interrupted is none.
    """
    rows = [
        {
            "trial": number,
            "state": _OUTCOMES[trial.state.name],
            "loss": np.nan if trial.value is None else trial.value,
            **{name: trial.params[name] for name in ("learning_rate", "weight_decay")},
            "batch_size": trial.params["batch_size"],
            **{
                name: trial.user_attrs.get(name, np.nan)
                for name in ("n_epochs", "best_validation_loss", "seconds")
            },
        }
        for number, trial in enumerate(_finished(study))
    ]
    return pd.DataFrame(rows)


def best_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """The trial of lowest loss of each shape, and how the others ended.

    Parameters
    ----------
    trials
        :func:`tabulate` of every study, with ``simulation``, ``latent``, ``depth`` and ``width``.

    Returns
    -------
    DataFrame
        One row per shape: simulation, latent, depth, width, n_trials, n_complete, n_failed,
        n_pruned, and the columns of the best trial (NaN where none is complete).
    """
    keys = ["simulation", "latent", "depth", "width"]
    rows = []
    for names, group in trials.groupby(keys, sort=False):
        counts = {
            f"n_{state}": int((group["state"] == state).sum()) for state in _OUTCOMES.values()
        }
        complete = group[group["state"] == "complete"]
        best = complete.loc[complete["loss"].idxmin()].to_dict() if len(complete) else {}
        about = dict(zip(keys, names, strict=True)) | {"n_trials": len(group)}
        shown = {name: best.get(name, np.nan) for name in trials if name not in (*keys, "state")}
        rows.append(about | counts | shown)
    return pd.DataFrame(rows)


def _draw(trial: optuna.Trial, config: SearchConfig) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float(
            "learning_rate", config.min_learning_rate, config.max_learning_rate, log=True
        ),
        "weight_decay": trial.suggest_categorical("weight_decay", config.weight_decay),
        "batch_size": trial.suggest_categorical("batch_size", config.batch_size),
    }


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in _OUTCOMES]


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError:
        raise InputError(
            "the search needs the package optuna, which is not installed; install it with: "
            "pip install 'featurelens[search]' (in a clone: pip install '.[search]'), or let the "
            "workflow do so with --software-deployment-method conda"
        ) from None
    return optuna
