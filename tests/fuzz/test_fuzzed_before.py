"""What mutated files brought to light, each case by itself with what is right."""

import datetime
import gzip
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import multidgd_files
from featurelens.config.parse import parse_config
from featurelens.embeddings.bundle import read_bundle
from featurelens.embeddings.decoders.registry import load_decoder
from featurelens.embeddings.models.multidgd.fit import read_hyperparameters
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.precomputed.files import read_embedding
from featurelens.embeddings.models.precomputed.names import read_names
from featurelens.genesets.files import read_gmt, write_gmt
from featurelens.genesets.read import read_sets
from featurelens.io import InputError
from featurelens.sae import model
from featurelens.sae.config import ImportedSAE, TensorNames
from fuzzed import WHOLE
from saelens_files import VERSION, write_saelens
from sparsify_files import write_sparsify

LOOP = {"run": "x"}
LOOP["datasets"] = LOOP


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"run": datetime.date(2026, 1, 31)}, "config: 'run' is the date 2026-01-31; put it in"),
        ({"saes": {"a": {"path": b"x"}}}, "config: 'saes.a.path' is the bytes"),
        ({"datasets": {False: {}}}, "config: 'datasets' has the bool False for a key; put it in"),
        ({"gsea": {"features": {1, 2}}}, "config: 'gsea.features' is the set"),
        ({"dge": {"high_percentile": float("nan")}}, "config: 'dge.high_percentile' is nan"),
        ({"run": "\ud800"}, r"config: 'run' is '\\ud800', which is no text"),
        (None, "config: holds nothing, not keys"),
        ([{"run": "x"}], "config: holds the list"),
        (LOOP, "config: 'datasets.datasets.*nested in itself"),
    ],
)
def test_a_config_of_what_yaml_knows_and_json_does_not(config, said):
    with pytest.raises(InputError, match=said):
        parse_config(config)


def refused(path, data, said, read=read_sets):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(InputError, match=said) as found:
        read(path)
    message = str(found.value)
    assert str(path) in message
    assert message.isprintable()
    assert len(message) < 5000


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.gmx", "one\ttwo\n", "has 1 lines, but a GMX"),
        ("a.gmx", gzip.compress(b"", mtime=0), "is empty"),
        ("a.json", '{"s": ' + "[" * 5000, "nested too deeply"),
        ("a.json", '{"s": ' + "1" * 5000 + "}", r"cannot be read as JSON \(Exceeds the limit"),
        ("a.yaml", "s: " + "[" * 5000, "nested too deeply"),
        ("a.json", r'{"s": ["CD3\rD"]}', "a line break or half a character in 'CD3"),
        ("a.json", r'{"s": ["CD3\ud800D"]}', "half a character in 'CD3"),
        ("a.csv", 'set,gene\nT cell,"C\tD3D"\n', "has a tab"),
        ("a.csv", 'set,gene,remark\nT,CD3D,"an inch\nB,CD19,x\n', "line 3 .*close its quotes"),
        ("a.csv", f'set,gene\nT,"{"CD3D, " * 30000}"\n', "field larger than field limit"),
        ("a.gmt", "A" * 140000, "starts with"),
        ("a.csv", f"gene,{'x' * 9000}\nCD3D,T\n", r"gene,x+ \.\.\. .*not a GMT|starts with"),
    ],
)
def test_files_of_gene_sets(tmp_path, name, data, said):
    refused(tmp_path / name, data, said)


def test_sets_are_handed_on_to_the_letter(tmp_path):
    """Quotes and blanks around a name of one's own belong to it."""
    (tmp_path / "a.json").write_text(json.dumps({'"A" of B': ["CD3D"], '"A': ["CD3E"]}))
    sets = read_sets(tmp_path / "a.json")
    write_gmt(sets, tmp_path / "sets.gmt")
    assert read_gmt(tmp_path / "sets.gmt") == sets
    assert sets.names == ('"A" of B', '"A')


def test_a_message_commands_no_terminal(tmp_path):
    path = tmp_path / "a.gmt"
    refused(path, "\x1b[2J\u2028name\n", r"starts with '\\x1b\[2J")
    error = InputError("one: a\x1b[31m\nb", "two")
    assert str(error) == "one: a\\x1b[31m\\nb\ntwo"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def embedding(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    names = path.with_name("names.txt")
    names.write_text("a\nb\n")
    is_array = path.suffix == ".npy"
    return read_embedding(PrecomputedModel(path=str(path), names=str(names) if is_array else None))


def test_a_cell_may_be_called_na(tmp_path):
    made = embedding(tmp_path / "z.csv", "cell,d0\nNA,1\nnull,2\nnan,3\n")
    assert made.names.tolist() == ["NA", "null", "nan"]
    assert made.values.ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "text", ["\nbarcode\na\nb\n", '""\nbarcode\na\nb', "\na\nb\n", "x\na\n\nb"]
)
def test_an_empty_line_hides_no_header(tmp_path, text):
    (tmp_path / "names.txt").write_text(text)
    assert read_names(str(tmp_path / "names.txt"), 2).tolist() == ["a", "b"]


def test_arrays_and_tables_that_are_damaged(tmp_path):
    path = tmp_path / "z.npy"
    np.save(path, np.array([[1.0], [2.0]]))
    whole = path.read_bytes()
    cases = {
        "cannot be read as .npy": whole.replace(b"{'descr'", b"\x00'descr'"),  # numpy: TokenError
        "has NaN or an infinite": whole.replace(*(np.float64(x).tobytes() for x in (2, 1e99))),
    }
    for said, data in cases.items():
        with pytest.raises(InputError, match=said):
            embedding(path, data)
    np.savez(tmp_path / "z.npz", z=np.eye(2))
    with pytest.raises(InputError, match=r"an archive of arrays \(\.npz\)"):
        embedding(path, (tmp_path / "z.npz").read_bytes())
    rows = "".join(f"cell{place},{place % 7},{place % 11}\n" for place in range(60000))
    packed = gzip.compress(f"cell,d0,d1\n{rows}".encode())
    with pytest.raises(InputError, match="cannot be read as a table"):
        embedding(tmp_path / "z.csv", packed[: len(packed) // 2])


RNG = np.random.default_rng(0)
W = {
    "W_enc": RNG.normal(size=(2, 3)).astype(np.float32),
    "b_enc": np.zeros(3, np.float32),
    "W_dec": RNG.normal(size=(3, 2)).astype(np.float32),
    "b_dec": np.array([0.5, -0.25], np.float32),
}


def test_biases_of_whole_numbers_are_folded_as_numbers(tmp_path):
    """What the decoder's bias adds to them was cut to whole numbers."""
    plain = model.load(write_saelens(tmp_path / "a", W, **VERSION))
    zeros = {"b_enc": np.zeros(3, np.int64)}
    whole = model.load(write_saelens(tmp_path / "b", W | zeros, **VERSION))
    np.testing.assert_array_equal(whole.b_enc, plain.b_enc)
    np.testing.assert_allclose(plain.b_enc, -W["b_dec"] @ W["W_enc"], rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"W_enc": W["W_enc"] * np.float32("nan")}, "not finite"),
        ({"W_dec": np.full((3, 2), np.inf, np.float32)}, "W_dec holds a value that is not finite"),
    ],
)
def test_weights_that_are_no_numbers(tmp_path, changes, said):
    folder = write_saelens(tmp_path, W | changes, **VERSION)
    with pytest.raises(InputError, match=said):
        model.load(folder)


@pytest.mark.parametrize(
    "config",
    [
        {"architecture": ["standard"]},
        {"metadata": [1]},
        {"architecture": "topk", "activation_fn_kwargs": "k"},
        {"normalize_activations": {}},
    ],
)
def test_settings_of_saelens_of_another_kind(tmp_path, config):
    folder = write_saelens(tmp_path, W, **config)
    with pytest.raises(InputError, match=str(tmp_path)):
        model.load(folder)


@pytest.mark.parametrize(
    "changes", [{"k": 0}, {"k": -1}, {"num_latents": None, "expansion_factor": "x"}]
)
def test_settings_of_sparsify_of_another_kind(tmp_path, changes):
    folder = write_sparsify(tmp_path, W, **{"k": 2} | changes)
    with pytest.raises(InputError, match=str(tmp_path)):
        model.load(folder)


def test_a_bias_of_one_value_is_not_one_for_all_features(tmp_path):
    tensors = {"encoder.weight": W["W_enc"].T, "encoder.bias": np.ones(1, np.float32)}
    tensors |= {"W_dec": W["W_dec"], "b_dec": W["b_dec"]}
    tensors = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    save_file(tensors, tmp_path / "sae.safetensors")
    said = {"activation": "topk", "k": 2, "num_latents": 3, "d_in": 2}
    (tmp_path / "cfg.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=r"b_enc has shape \(1,\), but 2 inputs and 3 features"):
        model.load(tmp_path)


def test_a_state_dict_of_vectors(tmp_path):
    names = [f"{part}.0.{name}" for part in ("encoder", "decoder") for name in ("weight", "bias")]
    flat = {name: torch.ones(3) for name in names}
    torch.save(flat, tmp_path / "sae.pt")
    with pytest.raises(InputError, match="does not fit together as study"):
        model.load(ImportedSAE(path=str(tmp_path / "sae.pt")))
    torch.save({"W": torch.ones(())}, tmp_path / "w.pt")
    names = TensorNames(W_enc="W", b_enc="W")
    with pytest.raises(InputError, match=r"w\.pt"):
        model.load(ImportedSAE(path=str(tmp_path / "w.pt"), architecture="relu", tensors=names))


@pytest.mark.parametrize("text", ["[1]", "{", "null", "[" * 5000])
def test_a_bundle_that_says_nothing(tmp_path, text):
    (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(InputError, match=r"bundle\.json: .*make the bundle again"):
        read_bundle(tmp_path)
    (tmp_path / "decoder.json").write_text(text)
    with pytest.raises(InputError, match=r"decoder\.json: .*make the bundle again"):
        load_decoder(tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"components": np.ones(4, np.float32), "mean": np.ones(2, np.float32)},
        {"components": np.ones((2, 4), np.float32), "mean": np.ones((4, 1), np.float32)},
        {"components": np.full((2, 4), np.nan, np.float32), "mean": np.ones(4, np.float32)},
    ],
)
def test_a_decoder_that_does_not_fit_together(tmp_path, arrays):
    (tmp_path / "decoder.json").write_text('{"type": "pca"}')
    save_file(arrays, tmp_path / "decoder.safetensors")
    with pytest.raises(InputError, match=r"decoder\.safetensors: .*make the bundle again"):
        load_decoder(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"modalities": "GEX"},
        {"modalities": [], "n_features_per_modality": []},
        {"n_features_per_modality": [40]},
        {"n_features_per_modality": ["x", 6]},
        {"modalities": [None, "ATAC"]},
    ],
)
def test_hyperparameters_of_another_kind(tmp_path, changes):
    config = multidgd_files.write_model(tmp_path, {}, **changes)
    with pytest.raises(InputError, match=r"model\.json"):
        read_hyperparameters(config)


def test_the_shares_of_all_tests_make_the_whole():
    texts = (path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    shares = [
        int(share) for text in texts for share in re.findall(r"^@fuzzed\((\d+)\)", text, re.M)
    ]
    assert sum(shares) == WHOLE
