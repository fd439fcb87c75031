"""Downloads against a server that fails, redirects, truncates, ignores ranges and lies."""

import hashlib
import socket
import subprocess
import sys
import threading
import time
import zipfile
from unittest.mock import Mock, patch

import pytest

from featurelens.downloads import transfer
from featurelens.downloads.fetch import fetch, fetch_json, recorded_sha256
from featurelens.downloads.figshare import MULTIDGD, FigshareFile, extract, fetch_figshare
from featurelens.io import InputError
from flaky_server import as_json, cut, ranged, redirect, reply, serve, status, whole

BODY = bytes(range(256)) * 40
SHA256 = hashlib.sha256(BODY).hexdigest()
FAST = {"attempts": 3, "backoff": 0.01, "timeout": 60.0}


@pytest.fixture(scope="module")
def shared_server():
    with serve() as server:
        yield server


@pytest.fixture
def server(shared_server, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    shared_server.answers.clear()
    shared_server.asked.clear()
    return shared_server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "file.bin"


def files(path):
    return sorted(file.name for file in path.parent.iterdir())


# --- what goes well ----------------------------------------------------------------------------


def test_the_file_and_its_checksum_and_nothing_else(server, path):
    lines = []
    assert fetch(server.on("/a", whole(BODY)), path, log=lines.append, **FAST) == path
    assert path.read_bytes() == BODY
    assert files(path) == ["file.bin", "file.bin.sha256"]
    done = subprocess.run(
        ["sha256sum", "-c", "file.bin.sha256"], cwd=path.parent, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert lines == ["file.bin: 0.0 of 0.0 MB (100%)"]


def test_a_file_that_is_there_is_not_fetched_again(server, path):
    url = server.on("/a", whole(BODY))
    fetch(url, path, **FAST)
    fetch(url, path, sha256=SHA256, **FAST)
    assert len(server.asked) == 1


def test_redirects_are_followed(server, path):
    server.on("/b", whole(BODY))
    server.on("/hop", redirect("/b"))
    fetch(server.on("/a", redirect("/hop")), path, sha256=SHA256.upper(), **FAST)
    assert path.read_bytes() == BODY


def test_a_server_that_says_no_length_is_believed(server, path):
    fetch(server.on("/a", whole(BODY, **{"Content-Length": ""})), path, **FAST)
    assert path.read_bytes() == BODY


def test_progress_of_a_long_download(server, path, monkeypatch):
    monkeypatch.setattr(transfer, "BLOCK", 4096)
    monkeypatch.setattr(transfer, "SECONDS_BETWEEN_LINES", -1.0)
    lines = []
    fetch(server.on("/a", whole(b"x" * 12_000)), path, log=lines.append, **FAST)
    shares = [line.split("(")[1].split(")") for line in lines]
    so_far = [int(share.rstrip("%")) for share, _ in shares]  # blocks may come in parts
    assert so_far[0] <= 34 < so_far[-3] < 100
    assert so_far == sorted(so_far)
    assert so_far[-2:] == [100, 100]
    assert all(" MB/s, " in rest for _, rest in shares[:-1])
    assert shares[-1][1] == ""


def test_rate_and_time_left_of_a_download():
    """750 MB that are missing take 150 s at 5 MB/s."""
    assert transfer._rate(250_000_000, 1_000_000_000, 5e6) == ", 5.0 MB/s, 2 min left"
    assert transfer._rate(250_000_000, None, 5e6) == ", 5.0 MB/s"


# --- resuming ----------------------------------------------------------------------------------


def test_a_broken_download_is_resumed_where_it_broke(server, path):
    lines = []
    answers = ranged(BODY, upto=3000), ranged(BODY, upto=7000), ranged(BODY)
    fetch(server.on("/a", *answers), path, log=lines.append, **FAST)
    assert path.read_bytes() == BODY
    assert server.ranges("/a") == [None, "bytes=3000-", "bytes=7000-"]
    assert "3,000 of 10,240 bytes came; trying again in 0 s" in lines


def test_a_later_call_resumes_too(server, path):
    url = server.on("/a", ranged(BODY, upto=3000), status(503), status(503), ranged(BODY))
    with pytest.raises(InputError, match="the server answered 503"):
        fetch(url, path, **FAST)
    assert not path.exists()
    fetch(url, path, **FAST)
    assert path.read_bytes() == BODY
    assert server.ranges("/a")[-1] == "bytes=3000-"
    assert files(path) == ["file.bin", "file.bin.sha256"]


def test_a_server_that_ignores_ranges_starts_again(server, path):
    fetch(server.on("/a", cut(BODY, 3000), whole(BODY)), path, **FAST)
    assert path.read_bytes() == BODY
    assert server.ranges("/a") == [None, "bytes=3000-"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, path):
    # The length gives it away, without any validator.
    other = b"z" * 9000
    answers = ranged(BODY, upto=3000), ranged(other), ranged(other)
    fetch(server.on("/a", *answers), path, **FAST)
    assert path.read_bytes() == other
    assert server.ranges("/a") == [None, "bytes=3000-", None]


def test_the_validator_is_sent_with_the_range(server, path):
    seen = []

    def record(handler, n):
        seen.append(handler.headers.get("If-Range"))
        ranged(BODY, upto=None if n else 100, ETag='"v1"')(handler, n)

    fetch(server.on("/a", record), path, **FAST)
    assert seen == [None, '"v1"']


def test_a_weak_validator_is_not_trusted(server, path):
    seen = []

    def record(handler, n):
        seen.append(handler.headers.get("If-Range"))
        ranged(BODY, upto=None if n else 100, ETag='W/"v1"')(handler, n)

    fetch(server.on("/a", record), path, **FAST)
    assert seen == [None, None]


def test_another_part_than_asked_for_is_not_glued_on(server, path):
    def wrong(handler, _):
        reply(handler, 206, BODY, Content_Range=f"bytes 0-{len(BODY) - 1}/{len(BODY)}")

    fetch(server.on("/a", cut(BODY, 3000), wrong, whole(BODY)), path, **FAST)
    assert path.read_bytes() == BODY
    assert server.ranges("/a") == [None, "bytes=3000-", None]


def test_everything_had_come_already(server, path):
    url = server.on("/a", ranged(BODY))
    path.parent.mkdir()
    path.with_name(".file.bin.part").write_bytes(BODY)
    path.with_name(".file.bin.part.json").write_text(f'{{"url": "{url}"}}')
    fetch(url, path, **FAST)
    assert path.read_bytes() == BODY
    assert server.ranges("/a") == ["bytes=10240-"]


def test_the_part_of_another_address_is_thrown_away(server, path):
    path.parent.mkdir()
    path.with_name(".file.bin.part").write_bytes(b"other")
    path.with_name(".file.bin.part.json").write_text('{"url": "http://elsewhere/"}')
    fetch(server.on("/a", ranged(BODY)), path, **FAST)
    assert path.read_bytes() == BODY
    assert server.ranges("/a") == [None]


# --- what fails --------------------------------------------------------------------------------


def refused(url, path, match, **options):
    """Fetch in vain: one line, nothing under the final name, after pauses of bounded length."""
    with (
        patch.object(transfer.time, "sleep", wraps=time.sleep) as sleep,
        pytest.raises(InputError, match=match) as caught,
    ):
        fetch(url, path, **FAST | options)
    assert "\n" not in str(caught.value)
    assert not path.exists()
    assert sum(call.args[0] for call in sleep.call_args_list) < 5


def test_a_passing_failure_is_tried_again(server, path):
    fetch(server.on("/a", status(503), status(429), whole(BODY)), path, **FAST)
    assert path.read_bytes() == BODY


def test_a_lasting_failure_is_not(server, path):
    refused(server.url + "/gone", path, r"/gone: the server answered 404 Not Found; check the add")
    assert len(server.asked) == 1
    refused(server.on("/a", status(500)), path, "answered 500 .*; check the network, or download")
    assert len(server.ranges("/a")) == 3


@pytest.mark.parametrize(
    "page",
    [
        whole(b"<!DOCTYPE html><html><body>Sign in</body></html>", Content_Type="text/html"),
        whole(b"\n <html><head><title>302 Found</title>", Content_Type="application/gzip"),
        whole(b'<meta http-equiv="refresh" content="0; url=/x">', Content_Type="text/plain"),
    ],
)
def test_a_web_page_is_refused_at_once(server, path, page):
    refused(server.on("/a", page), path, "a web page came instead of the file")
    assert len(server.asked) == 1


def test_a_git_lfs_pointer_is_refused(server, path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    refused(server.on("/a", whole(pointer)), path, "a Git LFS pointer came instead")


def test_a_server_that_never_sends_all_is_given_up(server, path):
    refused(server.on("/a", cut(BODY, 3000)), path, "3,000 of 10,240 bytes came; check the network")
    assert len(server.asked) == 3


def test_a_server_that_drips_is_given_up(server, path):
    def drip(handler, n):
        ranged(BODY, upto=n + 1)(handler, n)

    refused(server.on("/a", drip), path, "bytes came; check the network", backoff=0.0)
    assert len(server.asked) == 60


def test_a_length_that_was_a_lie(server, path):
    short = whole(BODY, **{"Content-Length": "100"})
    refused(
        server.on("/a", short), path, "announces 100 bytes, but the file has 10,240", size=10240
    )
    refused(server.on("/b", short), path, rf"has sha256 .*, not {SHA256}", sha256=SHA256)
    # What was wrong is gone, so that the next call starts anew.
    assert files(path) == []


def test_a_total_that_was_a_lie(server, path):
    lies = whole(BODY, **{"Content-Length": "20000"}), ranged(BODY, total=20_000)
    refused(server.on("/a", *lies), path, "10,240 of 20,000 bytes came; check the network")


def test_an_empty_file_is_none(server, path):
    refused(server.on("/a", whole(b"")), path, "/a: is empty; check the address")


def test_published_checksums(server, path):
    url = server.on("/a", whole(BODY))
    refused(url, path, "has md5 .*, not the published 0000", md5="0" * 32)
    fetch(url, path, md5=hashlib.md5(BODY, usedforsecurity=False).hexdigest(), size=10240, **FAST)


def test_a_first_download_binds_later_ones(server, path):
    fetch(server.on("/a", whole(BODY)), path, **FAST)
    assert recorded_sha256(path) == SHA256
    path.unlink()
    refused(server.on("/a", whole(BODY[1:])), path, f"not {SHA256}; it changed or is damaged")
    path.write_bytes(b"edited")
    with pytest.raises(InputError, match=r"\(already there\): has sha256 .*it changed"):
        fetch(server.on("/a", whole(BODY)), path, **FAST)
    path.with_name("file.bin.sha256").write_text("nonsense\n")
    with pytest.raises(InputError, match="holds no checksum; delete it"):
        fetch(server.on("/a", whole(BODY)), path, **FAST)


def test_no_network(path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused(f"http://127.0.0.1:{port}/a", path, r"no connection to 127\.0\.0\.1:\d+ .*by hand to")


def test_a_name_that_nobody_knows(path, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("no_proxy", "*")
    refused("https://data.example/a", path, r"no connection to data\.example .*Name or service")


def test_a_server_that_falls_silent(server, path):
    def silent(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        time.sleep(0.5)

    refused(server.on("/a", silent), path, "the connection broke .*timed out", timeout=0.1)


def test_only_http(path):
    for url in ("file:///etc/hostname", "ftp://host/a", "host/a"):
        refused(url, path, "is no http or https address")


def test_a_disk_that_is_full(server, path, monkeypatch):
    path.parent.mkdir()
    path.with_name(".file.bin.part").symlink_to("/dev/full")
    monkeypatch.setattr(transfer.Part, "size", 0)
    path.with_name(".file.bin.part.json").write_text(f'{{"url": "{server.url}/a"}}')
    refused(server.on("/a", whole(BODY * 20)), path, "cannot be written .*No space left")


def test_a_kill_before_another_version_begins_does_not_mix_the_two(server, path, monkeypatch):
    """The first half of one file is here, another has come in its place, and nothing of it yet."""
    other = BODY[::-1]
    url = server.on("/a", whole(other, ETag='"2"'), ranged(other, ETag='"2"'))
    path.parent.mkdir()
    path.with_name(".file.bin.part").write_bytes(BODY[: len(BODY) // 2])
    path.with_name(".file.bin.part.json").write_text(f'{{"url": "{url}", "validator": "\\"1\\""}}')
    with monkeypatch.context() as killed:
        killed.setattr(transfer, "_append", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            fetch(url, path, **FAST)
    fetch(url, path, **FAST)
    assert path.read_bytes() == other


KILLED = """
import sys
from featurelens.downloads.fetch import fetch
fetch(sys.argv[1], sys.argv[2], attempts=1)
"""


def test_a_download_that_is_killed_over_and_over_is_whole_and_comes_once(server, path):
    """A server sends a tenth of the file and falls silent; the process that waits is killed."""
    part, tenth = path.with_name(".file.bin.part"), len(BODY) // 10

    def slowly(handler, _):
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        end = min(start + tenth, len(BODY))
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(BODY) - start))
        handler.send_header("ETag", '"1"')
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        handler.end_headers()
        handler.wfile.write(BODY[start:end])
        sent.append(end - start)
        while end < len(BODY) and not is_killed.is_set():
            time.sleep(0.01)

    sent, is_killed, url = [], threading.Event(), server.on("/a", slowly)
    for kills in range(1, 10):
        is_killed.clear()
        process = subprocess.Popen([sys.executable, "-c", KILLED, url, path])
        while not (part.exists() and part.stat().st_size == kills * tenth):
            time.sleep(0.01)
        process.kill()
        process.wait()
        is_killed.set()
        assert not path.exists()
    fetch(url, path, **FAST)
    assert path.read_bytes() == BODY
    assert files(path) == ["file.bin", "file.bin.sha256"]
    assert sum(sent) == len(BODY)


# --- figshare ----------------------------------------------------------------------------------


def publish(server, body, **changes):
    """A file of article 1 at figshare, and the folder that the service calls home."""
    answer = {
        "id": 7,
        "name": "whatever.zip",
        "size": len(body),
        "download_url": server.on("/download/7", whole(body)),
        "computed_md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }
    server.on("/api/articles/1/files/7", as_json(answer | changes))
    return server.url + "/api"


def zipped(tmp_path, **members):
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


MARROW = FigshareFile(7, "marrow.h5ad", article=1)


def test_figshare_tells_where_the_file_is(server, path):
    api = publish(server, BODY)
    fetch_figshare(MARROW, path, api=api, **FAST)
    assert path.read_bytes() == BODY
    assert files(path) == ["file.bin", "file.bin.sha256"]
    asked = len(server.asked)
    fetch_figshare(MARROW, path, api=api, **FAST)
    assert len(server.asked) == asked


def test_archives_are_unpacked(server, path, tmp_path):
    members = {"inner/marrow.h5ad": BODY, "__MACOSX/marrow.h5ad": b"x", "readme": b"y"}
    api = publish(server, zipped(tmp_path, **members))
    fetch_figshare(MARROW, path, api=api, **FAST)
    assert path.read_bytes() == BODY
    assert recorded_sha256(path) == SHA256
    assert files(path) == ["file.bin", "file.bin.sha256"]
    path.unlink()
    api = publish(server, zipped(tmp_path, **{"marrow.h5ad": b"another version"}))
    with pytest.raises(InputError, match="differs from the first download"):
        fetch_figshare(MARROW, path, api=api, **FAST)
    assert not path.exists()


def test_a_file_put_there_by_hand_needs_no_network(server, path):
    with pytest.raises(InputError, match=r"404 .*or put marrow\.h5ad, unpacked, at .*by hand$"):
        fetch_figshare(MARROW, path, api=server.url, **FAST)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(BODY)
    asked = len(server.asked)
    fetch_figshare(MARROW, path, api=server.url, **FAST)
    assert recorded_sha256(path) == SHA256
    assert len(server.asked) == asked


def test_a_checkpoint_is_a_zip_archive_that_stays_one(server, tmp_path):
    body = zipped(tmp_path, data=b"x")
    path = tmp_path / "model.pt"
    fetch_figshare(FigshareFile(7, "model.pt", article=1), path, api=publish(server, body), **FAST)
    assert path.read_bytes() == body


def test_a_damaged_archive(tmp_path, path):
    body = bytearray(zipped(tmp_path, **{"marrow.h5ad": BODY}))
    body[60] ^= 0xFF
    archive = tmp_path / "bad.zip"
    archive.write_bytes(body)
    with pytest.raises(InputError, match=r"bad\.zip: cannot be unpacked .*fetch it again"):
        extract(archive, "marrow.h5ad", path)
    assert not path.exists()


def test_an_archive_without_the_file(tmp_path, path):
    zipped(tmp_path, a=b"1", b=b"2")
    with pytest.raises(InputError, match=r"holds no file 'marrow\.h5ad'; there is: a, b"):
        extract(tmp_path / "made.zip", "marrow.h5ad", path)
    zipped(tmp_path, **{"../outside.h5ad": BODY})
    extract(tmp_path / "made.zip", "marrow.h5ad", path)
    assert path.read_bytes() == BODY
    assert not (tmp_path / "outside.h5ad").exists()


def test_answers_of_a_service_that_are_none(server, path):
    url = server.on("/page", whole(b"<html>\nmaintenance</html>"))
    with pytest.raises(InputError, match=r"answered '<html> maintenance</html>' instead of JSON"):
        fetch_json(url, **FAST)
    api = publish(server, BODY, download_url=None)
    with pytest.raises(InputError, match="names no download_url; check article and file number"):
        fetch_figshare(MARROW, path, api=api, **FAST)
    api = publish(server, BODY, computed_md5="0" * 32)
    with pytest.raises(InputError, match="not the published 0000"):
        fetch_figshare(MARROW, path, api=api, **FAST)
    assert fetch_json(server.on("/j", status(502), as_json([1])), **FAST) == [1]


def test_the_files_of_the_paper():
    # Numbers and names as in the paper's 00_data_download.py.
    found = {file.name: file.id for model in MULTIDGD.values() for file in model.files}
    assert found == {
        "human_bonemarrow.h5ad": 41740251,
        "human_bonemarrow_l20_h2-3_test50e.pt": 41735907,
        "human_bonemarrow_l20_h2-3_test50e_hyperparameters.json": 41735904,
        "mouse_gastrulation.h5mu": 41740323,
        "mouse_gastrulation_l20_h2-3.pt": 41735919,
        "mouse_gastrulation_l20_h2-3_hyperparameters.json": 41735916,
        "human_brain.h5mu": 41736012,
        "human_brain_l20_h2-3.pt": 41735913,
        "human_brain_l20_h2-3_hyperparameters.json": 41735910,
    }
    marrow = MULTIDGD["human_bonemarrow"].data
    assert marrow.url() == "https://api.figshare.com/v2/articles/23796198/files/41740251"
    with pytest.raises(TypeError):
        MULTIDGD["other"] = MULTIDGD["human_brain"]


def test_nothing_heavy_is_imported():
    code = (
        "import sys, featurelens.downloads.figshare;"
        "sys.exit(bool({'torch', 'pandas', 'anndata', 'scanpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
