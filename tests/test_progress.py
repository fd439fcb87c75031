"""Lines about how far a job is: when they come, and what they say."""

import re
import time

import numpy as np
import pytest

from featurelens import progress as told
from featurelens.logs import job_log
from featurelens.progress import Progress, alive, counted
from featurelens.sae.config import SAEConfig
from featurelens.sae.training import train


@pytest.fixture
def passed(monkeypatch):
    """Seconds of a clock that stands still until a test moves it."""
    now = [100.0]
    monkeypatch.setattr(told, "clock", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def test_rate_and_time_left_are_those_of_a_pencil(passed):
    """120 of 600 in 60 s are 2 a second, and leave 480 / 2 = 240 s: 4 minutes."""
    lines = []
    progress = Progress(lines.append, 600, "cells", "cells embedded")
    passed(60)
    progress.advance(120)
    assert lines == ["cells embedded: 120 of 600 cells (20 %), 2 cells/s, 4 min left"]


def test_a_short_stage_says_nothing_and_a_long_one_a_line_every_ten_seconds_at_most(passed):
    lines = []
    progress = Progress(lines.append, 1000, "features", "tested")
    for _ in range(9):
        passed(1)
        progress.advance(10)
    assert lines == []
    for _ in range(41):
        passed(1)
        progress.advance(10)
    # After 10, 20, 30, 40 and 50 s, at 10 features a second.
    counts = [line.split(" of ")[0] for line in lines]
    assert counts == [f"tested: {n}" for n in (100, 200, 300, 400, 500)]


def test_lines_are_a_minute_apart_once_a_stage_takes_hours(passed):
    lines = []
    progress = Progress(lines.append, 10**6, "steps", "trained")
    passed(7200)
    for _ in range(600):
        progress.advance()
        passed(1)
    assert len(lines) == 10  # of ten minutes


def test_the_end_is_not_told_for_what_comes_next_says_it(passed):
    lines = []
    for _ in counted(range(3), 3, "points", "measured", log=lines.append):
        passed(30)
    assert lines == [
        "measured: 1 of 3 points (33 %), 0.033 points/s, 60 s left",
        "measured: 2 of 3 points (67 %), 0.033 points/s, 30 s left",
    ]


def test_training_counts_the_steps_of_all_points(passed, monkeypatch):
    """Two points of 4 epochs x 5 batches each are 40 steps; each epoch takes 30 s here."""
    lines = []
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    configs = [
        SAEConfig(
            architecture="relu",
            expansion=2,
            epochs=4,
            batch_size=8,
            validation_fraction=0,
            seed=seed,
        )
        for seed in (0, 1)
    ]
    advance = Progress.advance

    def slowly(self, count=1):
        passed(30)
        advance(self, count)

    monkeypatch.setattr(Progress, "advance", slowly)
    from featurelens.means import Means

    train(X, configs, means=Means(log=lines.append))
    progress = [line for line in lines if "steps/s" in line]
    assert progress[0].startswith("0 of 2 points trained (relu")
    assert " of 40 steps (" in progress[0]


def test_a_job_that_says_nothing_is_said_to_be_at_work(tmp_path, monkeypatch):
    monkeypatch.setattr(told, "LONGEST", 0.05)
    path = tmp_path / "job.log"
    with job_log(path) as log:
        log("laying out cells")
        while "at work for " not in path.read_text():
            time.sleep(0.02)
    lines = path.read_text().splitlines()
    assert "laying out cells" in lines
    assert any(re.fullmatch(r"at work for \d+ (s|min)", line) for line in lines)


def test_a_job_that_speaks_is_not(monkeypatch):
    monkeypatch.setattr(told, "LONGEST", 0.05)
    lines, written = [], iter(range(10**6))
    with alive(lines.append, lambda: next(written)):
        time.sleep(0.3)
    assert lines == []
