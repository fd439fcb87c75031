"""Downloads named by a config: what may be written there, and what comes."""

import hashlib
import io
import zipfile

import pytest
import yaml

from featurelens.config.parse import parse_config
from featurelens.downloads.config import DownloadConfig, belongs_to
from featurelens.downloads.resources import fetch_resource
from featurelens.io import InputError
from featurelens.options import build
from featurelens.planning.inputs import check_inputs
from flaky_server import as_json, serve, whole

FAST = {"attempts": 2, "backoff": 0.01, "timeout": 60.0}
BODY = b"cells " * 100


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve() as server:
        yield server


def zipped(name, body):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"folder/{name}", body)
    return buffer.getvalue()


def test_a_figshare_file_is_described_fetched_and_unpacked(server, tmp_path):
    archive = zipped("cells.h5ad", BODY)
    address = server.on("/files/9", whole(archive))
    md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    answer = {"download_url": address, "size": len(archive), "computed_md5": md5}
    server.on("/v2/articles/7/files/9", as_json(answer))
    config = DownloadConfig(
        path="resources/cells.h5ad", figshare=9, article=7, service=f"{server.url}/v2",
        sha256=hashlib.sha256(BODY).hexdigest(),
    )  # fmt: skip
    path = fetch_resource(config, tmp_path / "cells.h5ad", **FAST)
    assert path.read_bytes() == BODY
    assert [asked for asked, _ in server.asked] == ["/v2/articles/7/files/9", "/files/9"]


@pytest.mark.parametrize("kind", ["url", "figshare"])
def test_a_checksum_of_the_config_is_enforced(server, tmp_path, kind):
    address = server.on("/file", whole(BODY))
    server.on("/v2/articles/23796198/files/9", as_json({"download_url": address}))
    source = {"url": address} if kind == "url" else {"figshare": 9, "service": f"{server.url}/v2"}
    config = DownloadConfig(path="resources/file.gaf", sha256="0" * 64, **source)
    with pytest.raises(InputError, match=r"has sha256 .* not 0000"):
        fetch_resource(config, tmp_path / "file.gaf", **FAST)


def test_a_page_in_place_of_an_ontology_is_refused(server, tmp_path):
    url = server.on("/go-basic.obo", whole(b"<!DOCTYPE html><html>moved</html>"))
    config = DownloadConfig(path="resources/go-basic.obo", url=url)
    with pytest.raises(InputError, match="a web page came instead of the file"):
        fetch_resource(config, tmp_path / "go-basic.obo", **FAST)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"path": "resources/a"}, "give either the url"),
        ({"path": "resources/a", "url": "http://x/a", "figshare": 1}, "give either the url"),
        ({"path": "data/a", "url": "http://x/a"}, "'downloads.a.path' is 'data/a'"),
        ({"path": "resources/../a", "url": "http://x/a"}, "without . or .."),
        ({"path": "resources/a", "url": "ftp://x/a"}, "'downloads.a.url' is 'ftp://x/a'"),
        ({"path": "resources/a", "url": "http://x/a", "sha256": "12"}, "'downloads.a.sha256'"),
        ({"path": "resources/a", "uri": "http://x/a"}, "did you mean 'url'?"),
    ],
)
def test_a_mistake_in_a_download_is_one_line(block, message):
    with pytest.raises(InputError) as caught:
        parse_config({"run": "a", "downloads": {"a": block}})
    [line] = str(caught.value).splitlines()
    assert message in line


@pytest.mark.parametrize("path", ["resources/model", "resources/model/weights"])
def test_no_download_lies_in_the_place_of_another(path):
    one = {"path": "resources/model", "url": "http://x/a"}
    with pytest.raises(InputError, match=r"downloads\.(one|two)\.path"):
        parse_config({"run": "a", "downloads": {"one": one, "two": one | {"path": path}}})
    parse_config({"run": "a", "downloads": {"one": one, "two": one | {"path": "resources/model2"}}})


def test_a_folder_stands_for_what_is_below_it_and_a_longer_name_does_not():
    assert belongs_to("resources/model/config.json", "resources/model")
    assert belongs_to("resources/model/config.json", "resources/model/")
    assert belongs_to("resources/model", "resources/model")
    assert not belongs_to("resources/model2/config.json", "resources/model")


def test_what_waits_for_a_download_is_checked_when_it_has_come(tmp_path):
    sets = tmp_path / "sets.gmt"
    collections = {"sets": {"path": str(sets)}, "other": {"path": str(tmp_path / "gone.gmt")}}
    with pytest.raises(InputError, match=r"collections\.other\.path"):
        check_inputs({}, collections, None, pending=[str(sets)])
    del collections["other"]
    assert check_inputs({}, collections, None, pending=[str(sets)]).empty
    with pytest.raises(InputError, match=r"collections\.sets\.path"):
        check_inputs({}, collections, None)
    sets.write_text("a\tb\tc\n")
    assert len(check_inputs({}, collections, None)) == 1


def test_the_plain_form_builds_again():
    text = "{path: resources/go.obo, url: 'https://x.org/go.obo'}"
    config = build(DownloadConfig, yaml.safe_load(text))
    assert (config.figshare, config.sha256) == (None, None)
