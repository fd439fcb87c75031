"""Configs of strange things: one line for every mistake, or a run that says what was written."""

import datetime
import os

import yaml
from hypothesis import given
from hypothesis import strategies as st

from clones import ROOT
from featurelens.config.parse import parse_config
from featurelens.options import as_plain
from fuzzed import fuzzed, outcome_of_config
from mutations import STRANGE, strange

CONFIGS = [
    yaml.safe_load((ROOT / "config" / name).read_text())
    for name in ("own-data.yaml", "config.yaml", "laptop.yaml", "paper.yaml")
]
OF_YAML = st.one_of(
    STRANGE,
    st.sampled_from(
        [datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1), b"x", {"a"}, {1: "x"}, {None: 1}]
    ),
)
"""YAML knows more than JSON: dates, bytes, sets, and names that are no text."""


def agrees(written, kept):
    """Whether a run keeps what was written; it may add defaults and make lists of single values."""
    if isinstance(written, dict) and isinstance(kept, dict):
        return all(
            str(key) in kept and agrees(value, kept[str(key)]) for key, value in written.items()
        )
    if isinstance(written, list) and isinstance(kept, list):
        return len(written) == len(kept) and all(map(agrees, written, kept))
    if isinstance(kept, list) and not isinstance(written, list):
        return len(kept) == 1 and agrees(written, kept[0])
    if isinstance(written, str) and isinstance(kept, str):
        return kept in (written, os.path.expanduser(written))  # noqa: PTH111
    if isinstance(written, bool) or isinstance(kept, bool):
        return written is kept
    is_number = isinstance(written, (int, float)) and isinstance(kept, (int, float))
    return float(written) == float(kept) if is_number else written == kept


@fuzzed(300)
@given(config=st.sampled_from(CONFIGS).flatmap(lambda config: strange(config, values=OF_YAML)))
def test_a_config_of_strange_things(config):
    run = outcome_of_config(lambda: parse_config(config))
    if run is not None:
        assert agrees(config, as_plain(run))


def test_the_shipped_configs_keep_what_they_say():
    """The comparison above is right where nothing is strange."""
    for config in CONFIGS:
        assert agrees(config, as_plain(parse_config(config)))
        assert not agrees(config | {"run": "other"}, as_plain(parse_config(config)))


def shuffled(draw, content):
    """The same mappings with their keys in another order."""
    if isinstance(content, dict):
        return {key: shuffled(draw, content[key]) for key in draw(st.permutations(list(content)))}
    return content


@fuzzed(40)
@given(data=st.data())
def test_a_config_in_any_spelling(data):
    """Order of the keys of blocks that hold options, styles of YAML, or JSON."""
    draw = data.draw
    config = draw(st.sampled_from(CONFIGS[:2]))
    top = {key: config[key] for key in draw(st.permutations(list(config)))}
    top |= {key: shuffled(draw, top[key]) for key in ("dge", "enrichment") if key in top}
    text = yaml.safe_dump(
        top,
        sort_keys=False,
        default_flow_style=draw(st.sampled_from([None, True, False])),
        width=draw(st.sampled_from([20, 80])),
    )
    assert parse_config(yaml.safe_load(text)) == parse_config(config)
