"""Files of SAEs: activations as a plain formula has them, or one line."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from featurelens.sae import model
from featurelens.sae.config import ImportedSAE, TensorNames
from fuzzed import fuzzed, outcome
from mutations import spoilt, strange, strange_arrays

D_IN, D_SAE = 4, 9
RNG = np.random.default_rng(5)
X = RNG.normal(size=(30, D_IN))
ATOMS = RNG.normal(size=(D_SAE, D_IN))
ATOMS /= np.linalg.norm(ATOMS, axis=1, keepdims=True)
W_enc, b_enc, b_dec = RNG.normal(size=(D_IN, D_SAE)), RNG.normal(size=D_SAE), RNG.normal(size=D_IN)
OURS = {"W_enc": W_enc, "b_enc": b_enc, "W_dec": ATOMS, "b_dec": b_dec}
LAYERS = {"encoder.weight": W_enc.T, "encoder.bias": b_enc}
SAID = {"d_in": D_IN, "d_sae": D_SAE, "metadata": {"sae_lens_version": "6.54.12"}}


def relu(x):
    return np.maximum(x, 0)


def topk(before, k):
    kept = np.argsort(-before, axis=1)[:, :k]
    codes = np.zeros_like(before)
    np.put_along_axis(codes, kept, relu(np.take_along_axis(before, kept, 1)), 1)
    return codes


def sae_lens(arrays, config):
    x = X - arrays["b_dec"] if config.get("apply_b_dec_to_input", True) else X
    before = x @ arrays["W_enc"] + arrays["b_enc"]
    if config["architecture"] == "topk":
        return topk(before, config["k"])
    if config["architecture"] == "jumprelu":
        return relu(before) * (before > arrays["threshold"])
    return relu(before)


def of_layers(arrays, config):
    bias = arrays["b_dec"] if "b_dec" in arrays else arrays["bias"]
    before = (X - bias) @ arrays["encoder.weight"].T + arrays["encoder.bias"]
    if "trainer" in config:  # activations in units of the decoder's rows
        return relu(before) * np.linalg.norm(arrays["decoder.weight"], axis=0)
    return topk(before, config["k"])


FORMS = {
    "saelens": (
        "sae_weights.safetensors",
        OURS,
        ("cfg.json", {"architecture": "standard"} | SAID),
        sae_lens,
    ),
    "saelens topk": (
        "sae_weights.safetensors",
        OURS,
        ("cfg.json", {"architecture": "topk", "k": 3} | SAID),
        sae_lens,
    ),
    "saelens jumprelu": (
        "sae_weights.safetensors",
        OURS | {"threshold": np.abs(b_enc)},
        ("cfg.json", {"architecture": "jumprelu", "apply_b_dec_to_input": False} | SAID),
        sae_lens,
    ),
    "dictionary_learning": (
        "ae.pt",
        LAYERS | {"decoder.weight": 2 * ATOMS.T, "bias": b_dec},
        ("config.json", {"trainer": {"dict_class": "AutoEncoder"}}),
        of_layers,
    ),
    "sparsify": (
        "sae.safetensors",
        LAYERS | {"W_dec": ATOMS, "b_dec": b_dec},
        ("cfg.json", {"activation": "topk", "k": 3, "num_latents": D_SAE, "d_in": D_IN}),
        of_layers,
    ),
    "study": (
        "sae.pt",
        {f"encoder.0.{name[8:]}": array for name, array in LAYERS.items()}
        | {"decoder.0.weight": ATOMS.T, "decoder.0.bias": b_dec},
        None,
        lambda a, _: relu(X @ a["encoder.0.weight"].T + a["encoder.0.bias"]),
    ),
    "overcomplete": (
        "sae.pt",
        {f"encoder.final_block.0.{name[8:]}": array for name, array in LAYERS.items()}
        | {"dictionary._weights": ATOMS, "dictionary.multiplier": np.zeros(())},
        None,
        lambda a, _: relu(
            X @ a["encoder.final_block.0.weight"].T + a["encoder.final_block.0.bias"]
        ),
    ),
    "tensors": ("w.safetensors", OURS, None, lambda a, _: relu(X @ a["W_enc"] + a["b_enc"])),
}
NAMED = TensorNames(W_enc="W_enc", b_enc="b_enc", W_dec="W_dec", b_dec="b_dec")
KEPT = {
    *("architecture", "activation", "k", "d_in", "d_sae", "d_out", "num_latents", "trainer"),
    *("apply_b_dec_to_input", "normalize_activations", "rescale_acts_by_decoder_norm"),
    *("activation_fn", "activation_fn_str", "in_groups", "transcode", "skip_connection"),
}
"""What a config says of the activations; with any other key changed they stay the same."""


def write(folder, form, arrays, config):
    name, _, beside, _ = FORMS[form]
    for old in folder.iterdir():
        if old.is_file():
            old.unlink()
    if name.endswith(".pt"):
        torch.save({n: torch.from_numpy(np.array(a)) for n, a in arrays.items()}, folder / name)
    else:
        (folder / name).write_bytes(save({n: np.ascontiguousarray(a) for n, a in arrays.items()}))
    if beside is not None:
        (folder / beside[0]).write_text(json.dumps(config))
    said = {
        "tensors": {"architecture": "relu", "tensors": NAMED},
        "overcomplete": {"architecture": "SAE"},
    }
    return ImportedSAE(path=str(folder if beside else folder / name), **said.get(form, {}))


def check(folder, form, arrays, config):
    given = write(folder, form, arrays, config)
    made = outcome(lambda: model.load(given), folder)
    if made is None:
        return None
    assert np.isfinite(made.W_enc).all()
    base = FORMS[form][2][1] if FORMS[form][2] else {}
    if any(config.get(key) != base.get(key) for key in KEPT):
        return made
    with np.errstate(all="ignore"):
        expected = FORMS[form][3]({n: np.asarray(a, np.float64) for n, a in arrays.items()}, config)
    scale = max(np.abs(expected).max(), 1)
    np.testing.assert_allclose(made.encode(X) / scale, expected / scale, atol=1e-4)
    return made


@pytest.mark.parametrize("form", FORMS)
def test_the_formulas_are_right(form, folder):
    _, arrays, beside, _ = FORMS[form]
    assert check(folder, form, arrays, beside[1] if beside else {}) is not None


@fuzzed(300)
@given(data=st.data(), form=st.sampled_from(sorted(FORMS)))
def test_weights_of_another_form(data, form, folder):
    _, arrays, beside, _ = FORMS[form]
    check(folder, form, data.draw(strange_arrays(arrays)), beside[1] if beside else {})


WITH_CONFIG = [form for form in sorted(FORMS) if FORMS[form][2]]


@fuzzed(250)
@given(data=st.data(), form=st.sampled_from(WITH_CONFIG))
def test_settings_of_strange_things(data, form, folder):
    _, arrays, (_, config), _ = FORMS[form]
    config = data.draw(strange(config | {"activation_fn_kwargs": {"k": 2}, "dtype": "float32"}))
    if isinstance(config, dict):
        check(folder, form, arrays, json.loads(json.dumps(config)))
    else:
        given = write(folder, form, arrays, config)
        assert outcome(lambda: model.load(given), folder) is None


BYTES = save({name: np.ascontiguousarray(array, np.float32) for name, array in OURS.items()})


@fuzzed(150)
@given(data=spoilt(BYTES, pieces=[b"F16", b"BF16", b"I64", b"data_offsets", b"[4,9]", b"\xff" * 8]))
def test_spoilt_weights(data, folder):
    config = {"architecture": "standard"} | SAID
    given = write(folder, "saelens", OURS, config)
    (folder / "sae_weights.safetensors").write_bytes(data)
    made = outcome(lambda: model.load(given), folder)
    if made is not None:
        assert all(np.isfinite(getattr(made, name)).all() for name in OURS)


@fuzzed(100)
@given(
    data=spoilt(
        json.dumps({"architecture": "standard"} | SAID).encode(),
        pieces=[b"topk", b"NaN", b"Infinity", b'"k": 3, '],
    )
)
def test_spoilt_settings(data, folder):
    given = write(folder, "saelens", OURS, {})
    (folder / "cfg.json").write_bytes(data)
    made = outcome(lambda: model.load(given), folder)
    if made is not None:
        config = json.loads(data)
        assert (config["d_in"], config["d_sae"]) == (D_IN, D_SAE)


@fuzzed(40)
@given(
    share=st.floats(0, 1, exclude_max=True), form=st.sampled_from(["dictionary_learning", "study"])
)
def test_a_checkpoint_that_was_cut_off(share, form, folder):
    name, arrays, beside, _ = FORMS[form]
    given = write(folder, form, arrays, beside[1] if beside else {})
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(share * len(whole))])
    assert outcome(lambda: model.load(given), folder) is None
