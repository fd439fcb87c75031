"""Texts of a form, names and paths: what is taken, and what a message says of the others."""

from pathlib import Path

import pytest
import yaml

from featurelens.config.parse import parse_config
from featurelens.io import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


def test_a_name_with_a_dot_is_told_what_names_are(demo):
    demo["saes"]["topk.x20"] = demo["saes"]["topk-x20"]
    with pytest.raises(InputError) as stopped:
        parse_config(demo)
    assert str(stopped.value) == (
        "config: 'saes' has the name 'topk.x20', should be a name of letters, digits, dashes and "
        "single underscores, without dots or spaces"
    )


def test_no_message_shows_a_regular_expression(demo):
    demo["run"] = "a b"
    demo["sweeps"]["small"]["embedding"] = "small"
    demo["downloads"] = {"sets": {"path": "sets.gmt", "url": "ftp://there", "sha256": "1"}}
    with pytest.raises(InputError) as stopped:
        parse_config(demo)
    lines = str(stopped.value).splitlines()
    assert len(lines) == 5
    assert not any("pattern" in line or "^" in line for line in lines)


def test_the_home_folder_and_variables_in_a_path_are_replaced(demo, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PROJECT", "/project")
    demo["collections"] = {"mine": {"path": "~/sets.gmt"}}
    demo["paper"]["collection"] = "mine"
    demo["enrichment"]["universe"] = {"file": "$PROJECT/$NOTHING/genes.txt"}
    run = parse_config(demo)
    assert run.collections["mine"].path == "/home/me/sets.gmt"
    assert run.enrichment.universe.file == "/project/$NOTHING/genes.txt"
