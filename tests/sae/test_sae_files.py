"""SAEs of other packages: folded, they encode as their packages do; what cannot be is refused.

Expected codes are the packages' formulas written out in double precision: sae-lens 6.54.12,
dictionary-learning 0.1.0, eai-sparsify 1.3.3.
"""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file as save_torch

from featurelens.io import InputError
from featurelens.sae import model
from featurelens.steering.edits import Edit, edit_cells
from saelens_files import VERSION, write_saelens
from sparsify_files import write_sparsify

D_IN, D_SAE, K = 6, 20, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, D_IN)).astype(np.float32)
PARTS = {
    "W_enc": RNG.normal(size=(D_IN, D_SAE)).astype(np.float32),
    "b_enc": RNG.normal(size=D_SAE).astype(np.float32),
    "W_dec": (RNG.normal(size=(D_SAE, D_IN)) * RNG.uniform(0.2, 3, (D_SAE, 1))).astype(np.float32),
    "b_dec": RNG.normal(size=D_IN).astype(np.float32),
}
THRESHOLD = RNG.uniform(0, 1, D_SAE).astype(np.float32)
GATE = {
    "b_gate": RNG.normal(size=D_SAE).astype(np.float32),
    "r_mag": RNG.normal(size=D_SAE).astype(np.float32) / 2,
    "b_mag": RNG.normal(size=D_SAE).astype(np.float32),
}


def before(shift=True):
    """Pre-activations in double precision, of the input less b_dec or of the input."""
    wide = {name: array.astype(np.float64) for name, array in PARTS.items()}
    return (X - wide["b_dec"] * shift) @ wide["W_enc"] + wide["b_enc"]


def keep(values, k):
    """The k largest of each row, none negative."""
    place = np.argsort(-values, axis=1)[:, :k]
    codes = np.zeros_like(values)
    np.put_along_axis(codes, place, np.take_along_axis(values, place, 1).clip(0), 1)
    return codes


def jump(values, threshold):
    return np.where(values > threshold, values, 0).clip(0)


def gated(shift=True):
    wide = {name: array.astype(np.float64) for name, array in (PARTS | GATE).items()}
    inner = (X - wide["b_dec"] * shift) @ wide["W_enc"]
    magnitude = inner * np.exp(wide["r_mag"]) + wide["b_mag"]
    return (inner + wide["b_gate"] > 0) * magnitude.clip(0)


def norms():
    return np.linalg.norm(PARTS["W_dec"].astype(np.float64), axis=1)


V6 = VERSION | {"normalize_activations": "none"}
PLAIN = V6 | {"apply_b_dec_to_input": False}
NO_BIAS = {name: array for name, array in PARTS.items() if name != "b_enc"}
SAELENS = {
    "standard": (PLAIN | {"architecture": "standard"}, PARTS, before(False).clip(0)),
    "default subtracts b_dec": (V6 | {"architecture": "standard"}, PARTS, before().clip(0)),
    "topk": (PLAIN | {"architecture": "topk", "k": K}, PARTS, keep(before(False), K)),
    "topk by decoder norm": (
        PLAIN | {"architecture": "topk", "k": K, "rescale_acts_by_decoder_norm": True},
        PARTS,
        keep(before(False) * norms(), K),
    ),
    "jumprelu": (
        V6 | {"architecture": "jumprelu"},
        PARTS | {"threshold": THRESHOLD},
        jump(before(), THRESHOLD),
    ),
    "gated": (V6 | {"architecture": "gated"}, NO_BIAS | GATE, gated()),
    "topk of version 5": (
        {"architecture": "standard", "activation_fn_str": "topk", "activation_fn_kwargs": {"k": K}}
        | {"normalize_activations": "none", "finetuning_scaling_factor": False},
        PARTS,
        keep(before(), K),
    ),
}


@pytest.mark.parametrize("name", SAELENS)
def test_saelens_folders_encode_as_saelens_does(name, tmp_path):
    config, tensors, expected = SAELENS[name]
    write_saelens(tmp_path, tensors, **config)
    sae = model.load(tmp_path)
    codes = sae.encode(X)
    assert ((codes > 0) == (expected > 0)).all()
    np.testing.assert_allclose(codes, expected, rtol=2e-5, atol=2e-5)


def test_a_decoder_norm_that_is_folded_keeps_the_reconstruction(tmp_path):
    config, tensors, expected = SAELENS["topk by decoder norm"]
    write_saelens(tmp_path, tensors, **config)
    sae = model.load(tmp_path)
    wide = PARTS["W_dec"].astype(np.float64)
    # SAELens divides codes by the norm before it decodes
    reconstruction = (expected / norms()) @ wide + PARTS["b_dec"]
    np.testing.assert_allclose(sae.decode(sae.encode(X)), reconstruction, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(sae.directions, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "topk"}, r"cfg\.json: k is None; a topk SAE needs"),
        ({"architecture": "topk", "k": 2.5}, "k is 2.5"),
        (
            {"architecture": "batchtopk", "k": 3},
            "'batchtopk' cannot be read, .* save_inference_model",
        ),
        ({"architecture": "matching_pursuit"}, "takes atoms out of a row one after the other"),
        ({"architecture": "temporal"}, "attends to the rows before"),
        ({"architecture": "my_own"}, "'my_own' cannot be read; standard, topk"),
        ({"normalize_activations": "expected_average_only_in"}, "expected_average_only_in"),
        ({"reshape_activations": "hook_z"}, "reshape_activations is 'hook_z'"),
        ({"finetuning_scaling_factor": True}, "finetuning_scaling_factor is True"),
        ({"activation_fn_str": "tanh-relu"}, "'tanh-relu'"),
    ],
)
def test_what_a_saelens_folder_says_is_honoured_or_an_error_by_name(change, message, tmp_path):
    write_saelens(tmp_path, PARTS, **PLAIN | change)
    with pytest.raises(InputError, match=message):
        model.load(tmp_path)


def test_a_tensor_that_would_not_be_read_is_an_error(tmp_path):
    scaled = PARTS | {"scaling_factor": np.ones(D_SAE, np.float32)}
    write_saelens(tmp_path, scaled, **PLAIN)
    with pytest.raises(InputError, match="also holds scaling_factor, which is not honoured"):
        model.load(tmp_path)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_as_single(kind, tmp_path):
    halved = {name: torch.from_numpy(array).to(kind) for name, array in PARTS.items()}
    save_torch(halved, tmp_path / "sae_weights.safetensors")
    config = PLAIN | {"architecture": "standard", "d_in": D_IN, "d_sae": D_SAE}
    (tmp_path / "cfg.json").write_text(json.dumps(config))
    sae = model.load(tmp_path)
    assert sae.W_enc.dtype == np.float32
    assert np.array_equal(sae.W_enc, halved["W_enc"].float().numpy())
    assert sae.encode(X).dtype == np.float32


def write_dictionary(folder, kind, tensors):
    stored = {name: torch.from_numpy(np.array(array)) for name, array in tensors.items()}
    torch.save(stored, folder / "ae.pt")
    (folder / "config.json").write_text(json.dumps({"trainer": {"dict_class": kind}}))


LINEAR = {
    "encoder.weight": PARTS["W_enc"].T,
    "encoder.bias": PARTS["b_enc"],
    "decoder.weight": PARTS["W_dec"].T,
}
TOPK = LINEAR | {"b_dec": PARTS["b_dec"], "k": np.int32(K), "threshold": np.float32(0.5)}
DICTIONARIES = {
    "AutoEncoder": (LINEAR | {"bias": PARTS["b_dec"]}, before().clip(0) * norms()),
    "AutoEncoderNew": (
        LINEAR | {"decoder.bias": PARTS["b_dec"]},
        before(False).clip(0) * norms(),
    ),
    "AutoEncoderTopK": (TOPK, keep(before(), K)),
    "BatchTopKSAE": (TOPK, jump(before(), 0.5)),
    "MatryoshkaBatchTopKSAE": (
        PARTS | {"k": np.int32(K), "threshold": np.float32(0.5), "group_sizes": np.array([8, 12])},
        jump(before(), 0.5),
    ),
    "JumpReluAutoEncoder": (PARTS | {"threshold": THRESHOLD}, jump(before(False), THRESHOLD)),
    "GatedAutoEncoder": (
        {
            "encoder.weight": PARTS["W_enc"].T,
            "decoder.weight": PARTS["W_dec"].T,
            "decoder_bias": PARTS["b_dec"],
            "r_mag": GATE["r_mag"],
            "gate_bias": GATE["b_gate"],
            "mag_bias": GATE["b_mag"],
        },
        gated(),
    ),
}


@pytest.mark.parametrize("kind", DICTIONARIES)
def test_dictionaries_encode_as_their_package_does(kind, tmp_path):
    tensors, expected = DICTIONARIES[kind]
    write_dictionary(tmp_path, kind, tensors)
    sae = model.load(tmp_path)
    codes = sae.encode(X)
    assert ((codes > 0) == (expected > 0)).all()
    np.testing.assert_allclose(codes, expected, rtol=2e-5, atol=2e-5)
    scale = norms() if kind in ("AutoEncoder", "AutoEncoderNew") else 1.0
    reconstruction = (expected / scale) @ PARTS["W_dec"].astype(np.float64) + PARTS["b_dec"]
    np.testing.assert_allclose(sae.decode(codes), reconstruction, rtol=1e-4, atol=1e-4)


def test_a_threshold_that_was_never_learnt_is_refused(tmp_path):
    write_dictionary(tmp_path, "BatchTopKSAE", TOPK | {"threshold": np.float32(-1)})
    with pytest.raises(InputError, match=r"ae\.pt: threshold is -1, .* train longer"):
        model.load(tmp_path)


def test_an_unknown_class_is_refused(tmp_path):
    write_dictionary(tmp_path, "IdentityDict", LINEAR)
    with pytest.raises(InputError, match="'IdentityDict' cannot be read; AutoEncoder, "):
        model.load(tmp_path)


def test_sparsify_folders_encode_as_sparsify_does(tmp_path):
    codes = model.load(write_sparsify(tmp_path, PARTS, k=K)).encode(X)
    expected = keep(before(), K)
    assert ((codes > 0) == (expected > 0)).all()
    np.testing.assert_allclose(codes, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "gelu"}, "activation is 'gelu'"),
        ({"activation": "groupmax", "k": 3}, "20 features are not 3 groups of one size"),
        ({"skip_connection": True}, "skip_connection is True of an autoencoder"),
        ({"transcode": True, "skip_connection": True}, "lacks W_skip"),
        # num_latents 0 stands for expansion_factor x d_in = 32 x 6
        ({"num_latents": 0}, r"\(20, 6\), but cfg\.json asks for \(192, 6\)"),
    ],
)
def test_what_sparsify_says_is_honoured_or_an_error_by_name(change, message, tmp_path):
    write_sparsify(tmp_path, PARTS, **{"k": K} | change)
    with pytest.raises(InputError, match=message):
        model.load(tmp_path)


def test_the_largest_of_each_group_of_neighbours(tmp_path):
    """groupmax: 20 features in 4 groups of 5, of each of which the largest stays if positive."""
    sae = model.load(write_sparsify(tmp_path, PARTS, activation="groupmax", k=K))
    expected = np.zeros((len(X), D_SAE))
    for row, values in enumerate(before()):
        for first in range(0, D_SAE, 5):
            best = first + int(np.argmax(values[first : first + 5]))
            expected[row, best] = max(values[best], 0)
    codes = sae.encode(X)
    assert ((codes > 0) == (expected > 0)).all()
    np.testing.assert_allclose(codes, expected, rtol=2e-5, atol=2e-5)
    model.save(sae, tmp_path / "ours")
    np.testing.assert_array_equal(model.load(tmp_path / "ours").encode(X), codes)
    edited = edit_cells(sae, X, [Edit(0, "set", 1.0)])
    step = (1 - codes[:, [0]]) * PARTS["W_dec"][0]
    np.testing.assert_allclose(edited.after - edited.before, step, rtol=1e-3, atol=1e-5)
    with pytest.raises(InputError, match="the largest of each group; write selection: before"):
        edit_cells(sae, X, [Edit(0)], selection="after")


def test_our_own_files_keep_their_form_and_their_guard(tmp_path):
    """SAELens takes a file without its version for one before 6, and drops what is ours in it."""
    sae = model.SAE("vanilla", *PARTS.values(), metadata={"data_sha256": "a" * 64})
    model.save(sae, tmp_path)
    metadata = json.loads((tmp_path / "cfg.json").read_text())["metadata"]
    assert metadata["sae_lens_version"] >= "6"
    assert metadata["featurelens"] == {"architecture": "vanilla", "data_sha256": "a" * 64}
    again = model.load(tmp_path, data_sha256="a" * 64)
    assert np.array_equal(again.b_enc, PARTS["b_enc"])
    with pytest.raises(InputError, match="trained on data"):
        model.load(tmp_path, data_sha256="b" * 64)
