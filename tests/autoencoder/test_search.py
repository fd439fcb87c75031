"""The search for hyperparameters: what it draws, that it goes on where it stopped, its tables."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from featurelens.autoencoder.config import AutoencoderConfig, SearchConfig
from featurelens.autoencoder.search import LAST_EPOCHS, best_trials, search
from featurelens.autoencoder.training import train
from featurelens.means import Means
from featurelens.simulation.observables import Observables

pytest.importorskip("optuna", reason="optuna is not installed: pip install '.[search]'")

SHAPE = {"latent": 2, "depth": 1, "width": "narrow"}
SEARCH = SearchConfig(
    latent=(2,), depth=(1,), n_trials=4, n_cells=60, epochs=4, patience=0, max_learning_rate=0.01
)


def cells():
    rng = np.random.default_rng(0)
    return Observables((rng.random((90, 3)) @ rng.random((3, 8))).astype(np.float32))


def run(journal, config=SEARCH, observables=None):
    lines: list[str] = []
    found = search(
        observables or cells(), 0.25, SHAPE, config, journal, means=Means(log=lines.append)
    )
    return found, lines


def test_a_trial_is_the_mean_of_the_last_validation_losses_of_its_training(tmp_path):
    found, _ = run(tmp_path / "study" / "journal.log")
    assert found["state"].tolist() == ["complete"] * 4
    assert found["learning_rate"].between(1e-6, 0.01).all()
    assert set(found["weight_decay"]) <= set(SEARCH.weight_decay)
    assert set(found["batch_size"]) <= set(SEARCH.batch_size)
    assert found["learning_rate"].nunique() == 4
    # the first 60 cells; of these the last 15 are held out, which train as published
    row = found.iloc[2]
    config = AutoencoderConfig(
        **SHAPE,
        learning_rate=row["learning_rate"],
        weight_decay=row["weight_decay"],
        batch_size=int(row["batch_size"]),
        epochs=4,
        patience=0,
        convention="published",
    )
    again = train(cells().rows(slice(0, 60)), np.arange(60) >= 45, config)
    losses = again.history["validation_loss"]
    assert LAST_EPOCHS == 3
    assert row["loss"] == pytest.approx(losses[1:].mean(), rel=1e-6)
    assert row["best_validation_loss"] == pytest.approx(losses.min(), rel=1e-6)
    assert row["n_epochs"] == 4


def test_the_same_search_draws_the_same_trials_and_another_seed_others(tmp_path):
    first, _ = run(tmp_path / "one.log")
    again, _ = run(tmp_path / "two.log")
    columns = ["trial", "loss", "learning_rate", "weight_decay", "batch_size"]
    pd.testing.assert_frame_equal(first[columns], again[columns])
    config = SearchConfig(**vars(SEARCH) | {"seed": 1, "n_trials": 1})
    assert run(tmp_path / "other.log", config)[0]["learning_rate"][0] != first["learning_rate"][0]


def test_a_finished_search_trains_nothing_and_a_longer_one_what_is_missing(tmp_path, monkeypatch):
    first, _ = run(tmp_path / "journal.log")
    same, lines = run(tmp_path / "journal.log")
    assert lines == []
    pd.testing.assert_frame_equal(first, same)
    more, lines = run(tmp_path / "journal.log", SearchConfig(**vars(SEARCH) | {"n_trials": 6}))
    assert len(lines) == 2
    assert len(more) == 6
    pd.testing.assert_frame_equal(more.head(4), first)
    fewer, _ = run(tmp_path / "journal.log", SearchConfig(**vars(SEARCH) | {"n_trials": 3}))
    assert len(fewer) == 3


def test_a_trial_that_diverges_has_failed_and_counts(tmp_path):
    values = cells().cells * 1e30  # squares overflow
    found, lines = run(tmp_path / "journal.log", observables=Observables(values))
    assert found["state"].tolist() == ["failed"] * 4
    assert found["loss"].isna().all()
    assert "lower learning_rate" in lines[0]


KILLED = """
import signal
import sys
from featurelens.autoencoder import search
from featurelens.autoencoder.config import SearchConfig
from featurelens.means import Means
from test_search import SEARCH, SHAPE, cells

def log(line):
    print(line, flush=True)

trained, calls = search.train, []
def until_killed(*args, **kwargs):
    calls.append(args)
    print("training", flush=True)
    if len(calls) == 4:
        signal.pause()
    return trained(*args, **kwargs)

search.train = until_killed
config = SearchConfig(**vars(SEARCH) | {"n_trials": 50})
search.search(cells(), 0.25, SHAPE, config, sys.argv[1], means=Means(log=log))
"""


def test_a_search_that_was_killed_goes_on_where_it_stopped(tmp_path):
    """Killed within its fourth trial: three are kept, and the rest is as if it had gone on."""
    journal = tmp_path / "journal.log"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(journal)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    seen = 0
    for line in process.stdout:
        seen += line.startswith("training")
        if seen == 4:
            process.kill()
            break
    process.wait()
    process.stdout.close()
    found, lines = run(journal, SearchConfig(**vars(SEARCH) | {"n_trials": 5}))
    assert found["state"].tolist() == ["complete"] * 5
    assert len(lines) == 2
    whole, _ = run(tmp_path / "other.log", SearchConfig(**vars(SEARCH) | {"n_trials": 5}))
    columns = ["trial", "loss", "learning_rate", "weight_decay", "batch_size", "n_epochs"]
    pd.testing.assert_frame_equal(found[columns], whole[columns])


@pytest.mark.parametrize("end", ["", '{"op_code":4,"worker'])
def test_what_a_kill_leaves_of_writing_to_a_journal_hinders_nobody(tmp_path, monkeypatch, end):
    """Optuna's link, which stands for a lock, and a torn line."""
    monkeypatch.chdir(tmp_path)
    run("journal.log", SearchConfig(**vars(SEARCH) | {"n_trials": 2}))
    with Path("journal.log").open("a") as file:
        file.write(end)
    Path("study").mkdir()
    Path("journal.log").rename("study/journal.log")
    Path("study/journal.log.lock").symlink_to("study/journal.log")
    for n_trials in (4, 5):
        found, lines = run(
            "study/journal.log", SearchConfig(**vars(SEARCH) | {"n_trials": n_trials})
        )
        assert (len(found), len(lines)) == (n_trials, 2 if n_trials == 4 else 1)


def test_two_searches_share_a_journal(tmp_path):
    """One asks for two trials, the other for four in all, of which it runs the rest."""
    journal = tmp_path / "journal.log"
    run(journal, SearchConfig(**vars(SEARCH) | {"n_trials": 2}))
    both, lines = run(journal)
    assert (len(both), len(lines)) == (4, 2)


def test_the_best_of_each_shape():
    trials = pd.DataFrame(
        {
            "simulation": "large",
            "latent": [2, 2, 2, 4],
            "depth": 1,
            "width": "wide",
            "trial": [0, 1, 2, 0],
            "state": ["complete", "failed", "complete", "failed"],
            "loss": [0.5, np.nan, 0.25, np.nan],
            "learning_rate": [0.1, 0.2, 0.3, 0.4],
        }
    )
    found = best_trials(trials).to_dict("records")
    assert found[0] == {
        "simulation": "large",
        "latent": 2,
        "depth": 1,
        "width": "wide",
        "n_trials": 3,
        "n_complete": 2,
        "n_pruned": 0,
        "n_failed": 1,
        "trial": 2,
        "loss": 0.25,
        "learning_rate": 0.3,
    }
    assert (found[1]["n_complete"], found[1]["n_failed"]) == (0, 1)
    assert np.isnan(found[1]["loss"])


def test_shapes_are_named_like_autoencoders():
    config = SearchConfig(latent=(20, 150), depth=(2, 4))
    assert len(config.shapes) == 8
    assert config.shapes["latent150-depth4-wide"] == {"latent": 150, "depth": 4, "width": "wide"}
    with pytest.raises(ValueError, match="above max_learning_rate"):
        SearchConfig(latent=(2,), min_learning_rate=0.1)
