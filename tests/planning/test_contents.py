"""Files are known by what they hold, not by their date."""

import os

import pytest

from featurelens.planning import contents
from featurelens.planning.contents import Contents, fingerprint


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a").write_text("CD3D")
    return tmp_path / "a"


def test_a_file_with_an_older_date_is_another(file, tmp_path):
    cache = tmp_path / "cache"
    before = Contents(cache=cache).of([file])
    (tmp_path / "b").write_text("CD3E")  # as long
    os.utime(tmp_path / "b", (1, 1))
    (tmp_path / "b").replace(file)
    assert file.stat().st_mtime == 1
    assert Contents(cache=cache).of([file]) != before


def test_the_same_bytes_are_the_same_whatever_their_date_and_place(file, tmp_path):
    before = Contents(cache=None).of([file])
    os.utime(file, (1, 1))
    (tmp_path / "other").write_text("CD3D")
    assert Contents(cache=None).of([file]) == Contents(cache=None).of([tmp_path / "other"])
    assert Contents(cache=None).of([file]) == before


def test_a_file_that_did_not_change_is_not_read_again(file, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setattr(contents.time, "time", lambda: file.stat().st_ctime + contents.SETTLED + 1)
    before = Contents(cache=cache).of([file])
    monkeypatch.setattr(contents, "fingerprint", None)
    assert Contents(cache=cache).of([file]) == before


@pytest.mark.parametrize("ahead", [0, 365 * 86400])
def test_a_file_that_may_be_written_again_at_the_same_time_is_not_remembered(file, tmp_path, ahead):
    """Just written, or dated ahead of a clock that was put back."""
    os.utime(file, (file.stat().st_mtime + ahead,) * 2)
    known = Contents(cache=tmp_path / "cache")
    assert known.of([file]) == known.of([file])
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "\x00"])
def test_a_damaged_or_forbidden_memory_is_none(file, tmp_path, text):
    (tmp_path / "cache").write_text(text)
    assert Contents(cache=tmp_path / "cache").of([file]) == Contents(cache=None).of([file])
    assert Contents(cache=file / "cache").of([file]) == Contents(cache=None).of([file])


def test_what_is_large_is_sampled_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "WHOLE", 10)
    monkeypatch.setattr(contents, "BLOCK", 2)
    monkeypatch.setattr(contents, "N_BLOCKS", 3)
    # 21 bytes: blocks at 0, 9 and 19.
    found = {}
    for place in range(21):
        content = bytearray(21)
        content[place] = 1
        (tmp_path / "a").write_bytes(content)
        found[place] = fingerprint(tmp_path / "a")
    (tmp_path / "a").write_bytes(bytes(21))
    nothing = fingerprint(tmp_path / "a")
    assert [place for place in found if found[place] != nothing] == [0, 1, 9, 10, 19, 20]
    (tmp_path / "a").write_bytes(bytes(22))
    assert fingerprint(tmp_path / "a") != nothing


def test_folders_absent_files_and_downloads(file, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("CD3D")
    of = Contents(cache=None).of
    assert of([folder]) == of([file])
    assert of([]) == of([tmp_path / "gone"]) == ""
    assert Contents(without=[str(file)], cache=None).of([file]) == ""
    (folder / "b").write_text("x")
    assert of([folder]) != of([file])
