import pytest

from clones import copy_repository


@pytest.fixture
def clone(tmp_path):
    """A fresh clone of the workflow."""
    return copy_repository(tmp_path)
