import json

import pytest

from clones import copy_repository
from miniature import copy_finished, finished_miniature


@pytest.fixture
def clone(tmp_path):
    """A fresh clone of the workflow."""
    return copy_repository(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The miniature after one complete run; to be read, not changed."""
    return finished_miniature(tmp_path_factory)


@pytest.fixture
def finished_copy(finished, tmp_path):
    """The finished miniature, to be changed."""
    return copy_finished(finished, tmp_path)


@pytest.fixture(scope="session")
def records(finished):
    """What the script of every job of the miniature left, and the modules that it loaded."""
    return [json.loads(path.read_text()) for path in finished.glob("sandboxes/*.json")]
