import pytest

from clones import copy_repository
from miniature import finished_miniature


@pytest.fixture
def clone(tmp_path):
    """A fresh clone of the workflow."""
    return copy_repository(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The miniature after one complete run, which nothing disturbed; to be read, not changed."""
    return finished_miniature(tmp_path_factory)
