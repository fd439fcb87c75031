import hashlib

from featurelens.sweeps.identity import canonical_json, config_id


def test_canonical_json_does_not_depend_on_order_or_on_whole_floats():
    assert canonical_json({"b": 1.0, "a": [True, 0.5]}) == '{"a":[true,0.5],"b":1}'


def test_config_id_is_the_hash_of_what_differs_from_the_defaults():
    expected = hashlib.sha256(b'{"l1":0.01}').hexdigest()[:10]
    assert config_id({"l1": 0.01, "seed": 0}, {"seed": 0}) == expected


def test_a_new_hyperparameter_with_a_default_renames_nothing():
    old = config_id({"l1": 0.01}, {})
    new = config_id({"l1": 0.01, "warmup": 0.0}, {"warmup": 0.0})
    assert old == new
    assert config_id({"l1": 0.01, "warmup": 0.1}, {"warmup": 0.0}) != old
