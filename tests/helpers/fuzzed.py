"""How often a test of mutated files runs, and what a reader may do with one."""

import os
import resource
import signal
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from featurelens.io import InputError

SHORT = 3000
"""Inputs of `make test`, over all tests in tests/fuzz."""
WHOLE = 6410
"""The sum of all shares, of which each test has its own."""
ASKED = int(os.environ.get("FUZZ") or SHORT)
"""Inputs of this run."""
IS_LONG = "FUZZ" in os.environ
SECONDS = 60
"""Of processor time, after which a reader hangs; files have a few thousand bytes."""
MEMORY = 8 * 2**30
"""Bytes that a reader of such a file may ask for beside what the process has."""
SHARES = Counter()
OUTCOMES = Counter()
"""Inputs by test and by what became of them."""


def fuzzed(share):
    """Run a test on its share of all inputs; the same ones in every run of `make test`."""

    def mark(test):
        SHARES[test.__name__] += share
        chosen = settings(
            max_examples=max(1, share * ASKED // WHOLE),
            derandomize=not IS_LONG,
            database=None,
            deadline=None,
            print_blob=False,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        return pytest.mark.fuzz(chosen(test))

    return mark


def outcome(read, *files, lines=1):
    """What a reader makes of files, or None where it refuses them in one line that names one.

    Anything else that is raised is a fault, and so are a hang and a hunger for memory.
    """
    name = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[2].partition(" ")[0]
    try:
        with limits():
            made = read()
    except InputError as error:
        for message in str(error).split("\n") if lines > 1 else [str(error)]:
            assert message.isprintable(), ascii(message)
            assert len(message) < 5000, message
            assert any(str(file) in message for file in files), message
        OUTCOMES[name, "refused"] += 1
        return None
    OUTCOMES[name, "read"] += 1
    return made


def outcome_of_config(read):
    """The same of a config, which is refused by a line for every mistake."""
    return outcome(read, "config: ", lines=100)


@contextmanager
def limits():
    """Less processor time and memory than a reader of a small file could ever need."""
    before = signal.signal(signal.SIGPROF, _hangs)
    kept = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_used() + MEMORY, kept[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, kept)
        signal.signal(signal.SIGPROF, before)


def _hangs(*_):
    raise AssertionError(f"a reader still reads after {SECONDS} s of processor time")


def _used():
    """Bytes of data that the process holds, on Linux."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
