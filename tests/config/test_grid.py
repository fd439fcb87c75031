"""The grid of a sweep takes what an SAE takes, one value or a list of it."""

from pathlib import Path

import pytest
import yaml

from featurelens.config.parse import parse_config, schema
from featurelens.io import InputError
from featurelens.options import described
from featurelens.sae.config import SAEConfig
from featurelens.sweeps.config import GridConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("k", 150, "config: 'sweeps.small.grids[0].k' is 150, should be less than or equal to 100"),
        ("k", [10, 150], "config: 'sweeps.small.grids[0].k[1]' is 150, should be less than"),
        ("seed", -1, "config: 'sweeps.small.grids[0].seed' is -1, should be greater than"),
        ("validation_fraction", 1.0, "'sweeps.small.grids[0].validation_fraction' is 1.0, should"),
        ("warmup", 1.5, "'sweeps.small.grids[0].warmup' is 1.5, should be less than or equal to 1"),
        ("expansion", 0.001, "'sweeps.small.grids[0].expansion' is 0.001, which makes no feature"),
        ("patience", 3, "'sweeps.small.grids': patience needs a validation_fraction above 0"),
    ],
)
def test_a_grid_that_no_sae_could_have_stops_while_it_is_planned(demo, key, value, message):
    demo["sweeps"]["small"]["grids"][0][key] = value
    with pytest.raises(InputError) as stopped:
        parse_config(demo)
    assert message in str(stopped.value)


def test_an_sae_without_a_feature_stops_while_it_is_planned(demo):
    demo["saes"]["topk-x20"]["expansion"] = 0.01
    with pytest.raises(InputError, match=r"'saes.topk-x20.expansion' is 0.01, .* at least 0.05"):
        parse_config(demo)


@pytest.mark.parametrize("name", described(SAEConfig)["properties"])
def test_a_key_of_a_grid_is_that_key_of_an_sae(name):
    one = schema()["$defs"]["SAEConfig"]["properties"][name]
    several = schema()["$defs"]["GridConfig"]["properties"][name]
    told = {"description", "default", "title"}
    bounds = {key: value for key, value in one.items() if key not in told}
    assert several["anyOf"] == [bounds, {"type": "array", "items": bounds}]
    assert several["description"] == one["description"]
    assert several.get("default") == ([one["default"]] if "default" in one else None)


def test_a_grid_has_no_other_keys():
    assert list(GridConfig.__dataclass_fields__) == list(SAEConfig.__dataclass_fields__)
