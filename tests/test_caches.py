"""Compiled code finds a place where home and packages are read-only."""

import os
import subprocess
import sys

import pytest

CODE = "import os, featurelens; print(os.environ.get('NUMBA_CACHE_DIR'))"


def chosen(tmp_path, **environment):
    """What is set after an import in a process with its own home."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=kept | {"TMPDIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def closed(tmp_path):
    """A home in which nothing can be made: it is a file."""
    (tmp_path / "home").write_text("")
    return str(tmp_path / "home")


def test_a_home_that_can_be_written_is_left_to_numba(tmp_path):
    assert chosen(tmp_path, HOME=str(tmp_path)) == "None"


def test_without_one_the_place_is_the_users_own_among_temporary_files(tmp_path, closed):
    place = tmp_path / f"featurelens-numba-{os.getuid()}"
    assert chosen(tmp_path, HOME=closed) == str(place)
    assert place.stat().st_mode & 0o777 == 0o700
    assert chosen(tmp_path, HOME=closed) == str(place)


def test_what_is_set_stays(tmp_path, closed):
    assert chosen(tmp_path, HOME=closed, NUMBA_CACHE_DIR="/mine") == "/mine"
    assert chosen(tmp_path, HOME=closed, XDG_CACHE_HOME=str(tmp_path / "xdg")) == "None"


def test_a_link_of_someone_else_is_not_followed(tmp_path, closed):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"featurelens-numba-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert chosen(tmp_path, HOME=closed) == "None"
