"""Geneformer's dictionaries, and pickles of which nothing is run."""

import gzip
import json
import os
import pickle
import shutil

import numpy as np
import pytest

from featurelens.embeddings.models.geneformer.dictionaries import read_dictionary, read_vocabulary
from featurelens.embeddings.models.geneformer.pickles import read_plain_pickle
from featurelens.embeddings.models.geneformer.variants import SERIES
from featurelens.io import InputError
from geneformer_files import (
    GENES,
    V1,
    write_dictionaries,
    write_json,
)

needs_v1 = pytest.mark.skipif(
    not V1["tokens"].exists(), reason="needs the V1 dictionaries in shared/data/geneformer"
)


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_malicious_pickle_is_refused_and_does_not_run(tmp_path):
    path, target = tmp_path / "d.pkl", tmp_path / "made"
    path.write_bytes(pickle.dumps({"a": Malicious(str(target))}))
    with pytest.raises(InputError, match=r"d\.pkl: .* asks for posix\.mkdir, which was not run"):
        read_plain_pickle(path)
    assert not target.exists()
    with path.open("rb") as file:  # the same bytes do run in pickle itself
        pickle.load(file)
    assert target.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_pickles_of_every_protocol_are_read(tmp_path, protocol):
    content = {"a": 1, "b": [2.5, "c", {"d": -3}], "e": 2**70}
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    assert read_plain_pickle(path) == content


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_scalars_of_numpy_become_numbers(tmp_path, protocol):
    content = {"a": np.float64(2.25), "b": np.float32(0.5), "c": np.int64(-7), "d": np.uint8(9)}
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    if protocol < 3:  # there bytes are written as a call of a codec, which is code too
        with pytest.raises(InputError, match=r"asks for _codecs\.encode"):
            read_plain_pickle(path)
        return
    read = read_plain_pickle(path)
    assert read == {"a": 2.25, "b": 0.5, "c": -7, "d": 9}
    assert {type(value) for value in read.values()} == {int, float}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": np.arange(3)}, "asks for numpy"),
        ({"a": np.float64}, "asks for numpy.float64"),
        ({"a": np.dtype("O")}, r"asks for numpy\.dtype\('O"),
        ({"a": np.dtype("f8")}, "holds a _Type"),
        ({"a": (1, 2)}, "holds a tuple; only dict, list, str, int and float are read"),
        ({"a": {1, 2}}, "holds a set"),
        ({"a": None}, "holds a NoneType"),
        ({"a": True}, "holds a bool"),
        ({("a",): 1}, "holds a tuple"),
    ],
)
def test_pickles_of_other_things_are_refused(tmp_path, content, message):
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=message):
        read_plain_pickle(path)


def test_a_truncated_pickle_is_refused(tmp_path):
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps({"a": "b" * 99})[:50])
    with pytest.raises(InputError, match=r"d\.pkl: cannot be read as a pickle .* is it whole\?"):
        read_plain_pickle(path)


@needs_v1
def test_the_real_dictionaries_of_v1_and_their_pickles_are_the_same(tmp_path):
    v1 = read_vocabulary(V1["tokens"], V1["medians"], None, series="V1")
    assert v1.size == SERIES["V1"].vocabulary == 25_426
    assert (v1.padding, v1.tokens["<mask>"]) == (0, 1)
    assert len(v1.medians) == 25_424
    for name, path in V1.items():
        content = json.loads(gzip.decompress(path.read_bytes()))
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(content))
    again = read_vocabulary(tmp_path / "tokens.pkl", tmp_path / "medians.pkl", None, series="V1")
    assert (again.tokens, again.medians) == (v1.tokens, v1.medians)


def broken(folder, name):
    """Paths of dictionaries with one fault."""
    paths = write_dictionaries(folder, "V1")
    tokens = read_dictionary(paths["tokens"])
    if name == "exchanged":
        return paths | {"tokens": paths["medians"]}
    if name == "v2":
        return paths | {"tokens": write_dictionaries(folder, "V2")["tokens"]}
    if name == "twice":
        tokens[GENES[0]] = tokens[GENES[1]]
    if name == "more genes":
        tokens["ENSG00000000099"] = 8
    if name == "no padding":
        del tokens["<pad>"]
    if name == "pointer":
        path = folder / "tokens.pkl"
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n")
        return paths | {"tokens": str(path)}
    if name == "text":
        path = folder / "tokens.txt"
        shutil.copy(paths["tokens"], path)
        return paths | {"tokens": str(path)}
    if name == "truncated":
        path = folder / "tokens.json.gz"
        path.write_bytes(gzip.compress(b'{"a": 1}')[:-6])
        return paths | {"tokens": str(path)}
    if name == "list":
        return paths | {"tokens": write_json(folder / "list.json", [1, 2])}
    if name == "foreign mapping":
        mapping = write_json(folder / "mapping.json", {"ENSG00000000001": "ENSG00000000077"})
        return paths | {"mapping": mapping}
    if name == "gone":
        return paths | {"medians": str(folder / "gone.json")}
    return paths | {"tokens": write_json(folder / "tokens_V1.json", tokens)}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exchanged", "has 1.0, but this dictionary is of tokens, .* paths in the config"),
        ("v2", "has a token <cls>, which models of V1 lack"),
        ("twice", "have the same token 3; it is damaged"),
        ("more genes", "has no median for 'ENSG00000000099', which .* has \\(1 such genes\\)"),
        ("no padding", "has no token <pad>, which models of V1 need"),
        ("pointer", "is a pointer of Git LFS and not the file itself; run git lfs pull"),
        ("text", "ends in none of .json, .json.gz, .pkl"),
        ("truncated", "cannot be read as JSON"),
        ("list", "holds no dictionary with text for keys"),
        ("foreign mapping", "maps to no gene of"),
        ("gone", "gone.json: no such file"),
    ],
)
def test_dictionaries_that_cannot_be_used(tmp_path, name, message):
    paths = broken(tmp_path, name)
    with pytest.raises(InputError, match=message) as error:
        read_vocabulary(paths["tokens"], paths["medians"], paths.get("mapping"), series="V1")
    assert "\n" not in str(error.value)


def test_a_dictionary_of_v1_is_none_of_v2(tmp_path):
    paths = write_dictionaries(tmp_path, "V1")
    with pytest.raises(InputError, match="has no token <cls>, which models of V2 need"):
        read_vocabulary(paths["tokens"], paths["medians"], None, series="V2")
