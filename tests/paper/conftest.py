"""The stand-in of the paper's study, run once for all tests."""

import fcntl
import os

import pytest

from stand_in.running import finished, run
from stand_in.study import FORMS


@pytest.fixture(scope="session", params=["short", pytest.param("long", marks=pytest.mark.paper)])
def study(request, tmp_path_factory):
    """A finished run, made by whichever process of pytest asks first; to be read, not changed."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    form, folder = FORMS[request.param], shared / f"paper-{request.param}"
    outcome = shared / f"paper-{request.param}.log"
    with (shared / f"paper-{request.param}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not outcome.exists():
            outcome.write_text(run(folder, form))
    assert outcome.read_text() == "", outcome.read_text()[-8000:]
    return finished(folder, form)
