"""A run whose process group is killed comes to the end of one that was not, and loses little."""

import os
import random

import pytest

from clones import ROOT
from featurelens.checksums import checksums
from killed_runs import Chain, demo
from miniature import shrink

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", "") or random.SystemRandom().randrange(10**6))

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("miniature")]


@pytest.fixture(scope="module")
def reference(finished):
    return checksums(finished / "results/demo")


@pytest.fixture(scope="module")
def rules(finished):
    return {path.stem for path in (finished / "results/demo/logs").iterdir()}


def require_nothing_lost(record):
    """No difference, no job that ran again, nothing left over, no run that failed."""
    assert record.different == []
    assert record.again == []
    assert record.left == []
    assert record.failed == []


def test_a_few_kills_of_a_sweep(tmp_path, reference, rules):
    chain = Chain(tmp_path, shrink(demo()), reference, rules, seed=0, target=("sweep_small",))
    record = chain.kill(2)
    require_nothing_lost(record)
    assert record.kills == 2


@pytest.mark.faults
def test_a_study_that_is_killed_over_and_over(tmp_path, reference, rules):
    record = Chain(tmp_path, shrink(demo()), reference, rules, SEED).kill(KILLS)
    (ROOT / "build").mkdir(exist_ok=True)
    record.write(ROOT / "build/faults.json")
    require_nothing_lost(record)
    if KILLS >= 200:
        assert rules - set(record.rules) == set()
