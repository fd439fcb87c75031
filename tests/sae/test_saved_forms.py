"""SAEs as overcomplete, the study and anyone else keep them, and what is refused of any form.

Expected codes are the packages' formulas in double precision: overcomplete 0.3.0; the author's
src/models/sparse_autoencoder.py and 02_experiments/singlecell/01_sae_training.py; sae-lens 6.54.12
for rows in units of their own.
"""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from featurelens.io import InputError, sha256_array
from featurelens.means import Means
from featurelens.sae import model
from featurelens.sae.config import ImportedSAE, TensorNames
from featurelens.sae.metrics import evaluate
from featurelens.sae.model import read_saved
from featurelens.sae.saved import Saved
from featurelens.sae.single import import_one
from featurelens.steering.edits import Edit, edit_cells
from saelens_files import VERSION, write_saelens

D_IN, D_SAE, K = 5, 16, 3
RNG = np.random.default_rng(1)
X = RNG.normal(1, 2, size=(60, D_IN)).astype(np.float32)
W = RNG.normal(size=(D_SAE, D_IN)).astype(np.float32)
D = RNG.normal(size=(D_SAE, D_IN)).astype(np.float32)
UNIT = (D / np.linalg.norm(D, axis=1, keepdims=True)).astype(np.float32)
BIAS = RNG.normal(size=D_SAE).astype(np.float32)
OFFSET = RNG.normal(size=D_IN).astype(np.float32)
LOG = RNG.normal(-1, 0.5, size=D_SAE).astype(np.float32)


def wide(*arrays):
    return [np.asarray(array, np.float64) for array in arrays]


def before(x=X):
    x, weight, bias = wide(x, W, BIAS)
    return x @ weight.T + bias


def largest(values, k):
    place = np.argsort(-values, axis=1)[:, :k]
    codes = np.zeros_like(values)
    np.put_along_axis(codes, place, np.take_along_axis(values, place, 1).clip(0), 1)
    return codes


def store(path, tensors):
    torch.save({n: torch.as_tensor(np.array(a)) for n, a in tensors.items()}, path)
    return str(path)


def agree(sae, codes, reconstruction):
    found = sae.encode(X)
    assert ((found > 0) == (codes > 0)).all()
    assert 0.05 < (codes > 0).mean() < 0.95
    np.testing.assert_allclose(found, codes, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(sae.decode(found, X), reconstruction, rtol=1e-4, atol=1e-4)


OVERCOMPLETE = {
    "encoder.final_block.0.weight": W,
    "encoder.final_block.0.bias": BIAS,
    "dictionary._weights": UNIT,
    "dictionary.multiplier": np.float32(0.5),
}
ATOMS = UNIT.astype(np.float64) * np.exp(0.5)
NORM = {
    "encoder.final_block.1.weight": RNG.uniform(0.5, 2, D_SAE).astype(np.float32),
    "encoder.final_block.1.bias": RNG.normal(size=D_SAE).astype(np.float32),
    "encoder.final_block.1.running_mean": RNG.normal(size=D_SAE).astype(np.float32),
    "encoder.final_block.1.running_var": RNG.uniform(0.5, 2, D_SAE).astype(np.float32),
    "encoder.final_block.1.num_batches_tracked": np.int64(7),
}


def normed():
    scale, shift, mean, variance = wide(*list(NORM.values())[:4])
    return (before() - mean) / np.sqrt(variance + 1e-5) * scale + shift


def without_encoder(**more):
    kept = {name: a for name, a in OVERCOMPLETE.items() if not name.startswith("encoder")}
    return kept | more


OF_OVERCOMPLETE = {
    "SAE": (OVERCOMPLETE, {"architecture": "SAE"}, before().clip(0)),
    "batch norm": (OVERCOMPLETE | NORM, {"architecture": "SAE"}, normed().clip(0)),
    "topk": (OVERCOMPLETE, {"architecture": "TopKSAE", "k": K}, largest(before(), K)),
    "batchtopk": (
        OVERCOMPLETE,
        {"architecture": "BatchTopKSAE", "threshold": 1.5},
        np.where(before() >= 1.5, before(), 0),
    ),
    "jump": (
        OVERCOMPLETE | {"thresholds": LOG},
        {},
        np.where(before() >= np.exp(LOG.astype(np.float64)), before(), 0),
    ),
    "tied": (
        without_encoder(
            **{"encoder.bias": BIAS, "encoder.tied_to._weights": UNIT}
            | {"encoder.tied_to.multiplier": np.float32(0.5)}
        ),
        {"architecture": "SAE"},
        (X.astype(np.float64) @ ATOMS.T + BIAS).clip(0),
    ),
}


@pytest.mark.parametrize("name", OF_OVERCOMPLETE)
def test_state_dicts_of_overcomplete_encode_as_it_does(name, tmp_path):
    tensors, said, codes = OF_OVERCOMPLETE[name]
    sae = model.load(ImportedSAE(path=store(tmp_path / "any.pt", tensors), **said))
    agree(sae, codes, codes @ ATOMS)


def test_features_of_overcomplete_fire_at_their_threshold_too(tmp_path):
    """Its JumpReLU cuts what lies below, ``x < threshold``; codes at 0.5 stay."""
    tensors = {
        "encoder.final_block.0.weight": np.eye(2, dtype=np.float32),
        "encoder.final_block.0.bias": np.zeros(2, np.float32),
        "dictionary._weights": np.eye(2, dtype=np.float32),
        "dictionary.multiplier": np.float32(0),
    }
    path = store(tmp_path / "any.pt", tensors)
    sae = model.load(ImportedSAE(path=path, architecture="BatchTopKSAE", threshold=0.5))
    assert sae.encode(np.array([[0.5, 0.4]])).tolist() == [[0.5, 0]]


def test_archetypal_atoms_are_mixtures_of_points_and_what_is_relaxed(tmp_path):
    points, relax = X[:20], RNG.normal(size=(D_SAE, D_IN)).astype(np.float32) / 5
    mixture = RNG.dirichlet(np.ones(20), D_SAE).astype(np.float32)
    tensors = without_encoder(
        **{name: a for name, a in OVERCOMPLETE.items() if name.startswith("encoder")},
        **{"dictionary.C": points, "dictionary.W": mixture, "dictionary.Relax": relax},
    )
    del tensors["dictionary._weights"]
    sae = model.load(ImportedSAE(path=store(tmp_path / "any.pt", tensors), k=K))
    mixture, points, relax = wide(mixture, points, relax)
    codes = largest(before(), K)
    agree(sae, codes, codes @ ((mixture @ points + relax) * np.exp(0.5)))


@pytest.mark.parametrize(
    ("change", "said", "message"),
    [
        ({}, {}, "whether it is of SAE or TopKSAE or BatchTopKSAE; write the class"),
        ({}, {"architecture": "TopKSAE"}, r"k of a TopKSAE is an attribute .* \(sae.top_k\)"),
        ({}, {"architecture": "JumpSAE"}, "is no JumpSAE, by its tensors"),
        ({}, {"architecture": "MpSAE"}, "'MpSAE' cannot be read; SAE, TopKSAE"),
        ({"Q": np.zeros(4, np.float32)}, {}, "holds Q of a QSAE"),
        ({"dictionary._weights": D}, {"architecture": "SAE"}, "not normalised by l2"),
        ({"encoder.mlp_blocks.0.0.weight": W}, {"architecture": "SAE"}, "mlp_blocks.0.0.weight"),
    ],
)
def test_what_overcomplete_does_not_say_is_asked_for(change, said, message, tmp_path):
    path = store(tmp_path / "any.pt", OVERCOMPLETE | change)
    with pytest.raises(InputError, match=message) as caught:
        model.load(ImportedSAE(path=path, **said))
    assert "\n" not in str(caught.value)


LINEAR = {"encoder.0.weight": W, "encoder.0.bias": BIAS}
LINEAR |= {"decoder.0.weight": D.T, "decoder.0.bias": OFFSET}
PRE = RNG.normal(size=D_IN).astype(np.float32)


def simulated(*, pre_bias, topk=False, tied=False):
    """As the class of the simulations saves itself: every part by its name and by its place."""
    named = {
        "pre_bias.bias_layer": PRE,
        "latent_bias.bias_layer": BIAS,
        "encoder_linear.weight": W,
    }
    place = 1 if pre_bias else 0
    placed = {f"encoder.{place}.weight": W, f"encoder.{place + 1}.bias_layer": BIAS}
    placed |= {"encoder.0.bias_layer": PRE} if pre_bias else {}
    kept = {"k": K, "postact_fn": "ReLU"} if topk else {}
    for where in ("activation", f"encoder.{place + 2}"):
        placed |= {f"{where}.{name}": value for name, value in kept.items()}
    decoder = {"decoder.0.weight": D.T} | ({} if tied else {"decoder.1.bias_layer": OFFSET})
    return named | placed | decoder


OF_STUDY = {
    "cells": (LINEAR, before().clip(0), OFFSET),
    "vanilla": (simulated(pre_bias=False), before().clip(0), OFFSET),
    "bricken": (simulated(pre_bias=True), before(X + PRE).clip(0), OFFSET),
    "topk": (simulated(pre_bias=True, topk=True), largest(before(X + PRE), K), OFFSET),
    "tied": (simulated(pre_bias=False, tied=True), before().clip(0), 0),
}


@pytest.mark.parametrize("name", OF_STUDY)
def test_state_dicts_of_the_study_encode_as_its_classes_do(name, tmp_path):
    tensors, codes, offset = OF_STUDY[name]
    content = {
        n: a if isinstance(a, (int, str)) else torch.as_tensor(np.array(a))
        for n, a in tensors.items()
    }
    torch.save(content, tmp_path / "sae_model_16_l1-1e-3.pt")
    agree(model.load(tmp_path), codes, codes @ D.astype(np.float64) + offset)


NAMED = {"enc": W, "benc": BIAS, "dec": D, "bdec": OFFSET, "cut": np.exp(LOG)}
NAMES = {"W_enc": "enc", "b_enc": "benc", "W_dec": "dec", "b_dec": "bdec"}
OF_TENSORS = {
    "relu": ({}, {"architecture": "relu"}, before().clip(0)),
    "topk": ({}, {"architecture": "topk", "k": K}, largest(before(), K)),
    "subtracted": ({"subtracted": "bdec"}, {"architecture": "relu"}, before(X - OFFSET).clip(0)),
    "added": ({"added": "bdec"}, {"architecture": "relu"}, before(X + OFFSET).clip(0)),
    "jumprelu": (
        {"threshold": "cut"},
        {"architecture": "jumprelu"},
        np.where(before() > NAMED["cut"], before(), 0),
    ),
    "scaled": ({}, {"architecture": "relu", "input_scale": 0.25}, before(X / 4).clip(0)),
}


@pytest.mark.parametrize("name", OF_TENSORS)
def test_tensors_by_name(name, tmp_path):
    names, said, codes = OF_TENSORS[name]
    save_file(NAMED, tmp_path / "w.safetensors")
    given = ImportedSAE(
        path=str(tmp_path / "w.safetensors"), tensors=TensorNames(**NAMES | names), **said
    )
    scale = said.get("input_scale", 1)
    agree(model.load(given), codes, (codes @ D.astype(np.float64) + OFFSET) / scale)


def test_a_square_encoder_is_turned_where_it_is_said_and_else_asked_about(tmp_path):
    W_enc, W_dec = RNG.normal(size=(2, D_IN, D_IN)).astype(np.float32)
    save_file({"enc": W_enc, "dec": W_dec, "b": OFFSET}, tmp_path / "w.safetensors")
    names = {"W_enc": "enc", "W_dec": "dec", "b_enc": "b"}

    def load(**more):
        names_ = TensorNames(**names | more)
        path = str(tmp_path / "w.safetensors")
        return model.load(ImportedSAE(path=path, architecture="relu", tensors=names_))

    with pytest.raises(InputError, match=r"tensors\.transposed"):
        load()
    turned = load(transposed=True)
    np.testing.assert_array_equal(turned.W_enc, W_enc.T)
    np.testing.assert_array_equal(turned.W_dec, W_dec.T)
    np.testing.assert_array_equal(load(transposed=False).W_dec, W_dec)


@pytest.mark.parametrize(
    ("names", "said", "message"),
    [
        ({"b_enc": "bias"}, {"architecture": "relu"}, "no tensor 'bias' .* it has bdec, benc"),
        ({}, {}, "architecture is None; write relu, topk, jumprelu"),
        ({}, {"architecture": "topk"}, "write k"),
        ({}, {"architecture": "jumprelu"}, "write threshold"),
        ({"b_dec": "benc"}, {"architecture": "relu"}, r"b_dec has shape \(16,\), not \(5,\)"),
    ],
)
def test_names_that_are_not_enough(names, said, message, tmp_path):
    save_file(NAMED, tmp_path / "w.safetensors")
    given = ImportedSAE(
        path=str(tmp_path / "w.safetensors"), tensors=TensorNames(**NAMES | names), **said
    )
    with pytest.raises(InputError, match=message):
        model.load(given)


SAELENS = {"W_enc": np.ascontiguousarray(W.T), "b_enc": BIAS, "W_dec": D, "b_dec": OFFSET}


def saelens(folder, tensors=SAELENS, **config):
    return write_saelens(folder, tensors, **VERSION | config)


def test_rows_in_units_of_their_own_and_back(tmp_path):
    """sae-lens: (x - mean) / (std of n - 1 + 1e-5) before, times std plus mean behind."""
    (x,) = wide(X)
    mean, std = x.mean(1, keepdims=True), x.std(1, ddof=1, keepdims=True)
    codes = before((x - mean) / (std + 1e-5) - OFFSET).clip(0)
    sae = model.load(saelens(tmp_path / "ln", normalize_activations="layer_norm"))
    agree(sae, codes, (codes @ D.astype(np.float64) + OFFSET) * std + mean)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    codes = before(x * D_IN**0.5 / length - OFFSET).clip(0)
    sae = model.load(saelens(tmp_path / "cn", normalize_activations="constant_norm_rescale"))
    agree(sae, codes, (codes @ D.astype(np.float64) + OFFSET) * length / D_IN**0.5)
    # It stays so in files of ours, and in what is measured.
    model.save(sae, tmp_path / "ours")
    again = model.load(tmp_path / "ours")
    np.testing.assert_array_equal(again.encode(X), sae.encode(X))
    error = np.square(again.decode(sae.encode(X), X) - X).sum() / np.square(X - X.mean(0)).sum()
    assert evaluate(again, X).explained_variance == pytest.approx(1 - error, rel=1e-5)


def test_a_scale_that_no_file_says_is_asked_for_and_taken(tmp_path):
    folder = saelens(tmp_path / "s", normalize_activations="expected_average_only_in")
    with pytest.raises(InputError, match=r"save_inference_model.* or write it as input_scale"):
        model.load(folder)
    sae = model.load(ImportedSAE(path=str(folder), input_scale=0.5))
    codes = before(X.astype(np.float64) / 2 - OFFSET).clip(0)
    agree(sae, codes, (codes @ D.astype(np.float64) + OFFSET) * 2)
    # A checkpoint of training has the factor beside it.
    (folder / "activation_scaler.json").write_text('{"scaling_factor": 0.5}')
    np.testing.assert_array_equal(model.load(folder).encode(X), sae.encode(X))
    with pytest.raises(InputError, match=r"covariance_whitening.* do not say what it is"):
        model.load(saelens(tmp_path / "w", normalize_activations="covariance_whitening"))


def test_a_threshold_that_is_saved_as_its_logarithm(tmp_path):
    folder = saelens(tmp_path / "s", SAELENS | {"log_threshold": LOG}, architecture="jumprelu")
    codes = before(X.astype(np.float64) - OFFSET)
    codes = np.where(codes > np.exp(LOG.astype(np.float64)), codes, 0)
    agree(model.load(folder), codes, codes @ D.astype(np.float64) + OFFSET)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_another_precision_is_read_and_said(kind, tmp_path):
    tensors = {n: torch.as_tensor(np.array(a)).to(getattr(torch, kind)) for n, a in LINEAR.items()}
    torch.save(tensors, tmp_path / "sae.pt")
    saved = Saved(tmp_path / "sae.pt")
    sae = read_saved(saved)
    assert saved.describe() == (
        f"an SAE trained elsewhere (study, SparseAutoencoder of cells, {kind}); "
        f"{kind} is read as float32"
    )
    assert sae.encode(X).dtype == np.float32
    rounded = tensors["encoder.0.weight"].double().numpy()
    np.testing.assert_array_equal(sae.W_enc, rounded.T.astype(np.float32))


def test_a_module_that_was_pickled_is_not_run(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "sae.pt")
    with pytest.raises(InputError, match=r"torch\.nn.* torch\.save\(sae\.state_dict\(\), path\)"):
        model.load(tmp_path / "sae.pt")


def test_a_folder_of_two_forms_or_of_none(tmp_path):
    folder = saelens(tmp_path / "both")
    save_file({"a": W}, folder / "sae.safetensors")
    with pytest.raises(InputError, match="form saelens or sparsify; write which one as format"):
        model.load(folder)
    assert model.load(ImportedSAE(path=str(folder), format="saelens")).d_sae == D_SAE
    store(tmp_path / "odd.pt", {"weights": W})
    with pytest.raises(InputError, match=r"no SAE of a form that is known .found tensors weights"):
        model.load(tmp_path / "odd.pt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found nothing"):
        model.load(tmp_path / "empty")


@pytest.mark.parametrize("form", ["study", "overcomplete", "tensors"])
def test_a_form_of_one_file_in_a_folder_of_two(form, tmp_path):
    store(tmp_path / "first.pt", LINEAR)
    store(tmp_path / "second.pt", LINEAR)
    with pytest.raises(InputError, match="no file of tensors, or several; name one"):
        model.load(ImportedSAE(path=str(tmp_path), format=form))


def test_one_of_ours_that_was_trained_on_other_cells_is_taken_over_and_said(tmp_path):
    ours = model.SAE("relu", *SAELENS.values(), metadata={"data_sha256": "a" * 64})
    model.save(ours, tmp_path)
    said = []
    made = import_one(X, ImportedSAE(path=str(tmp_path)), source="s", means=Means(log=said.append))
    assert made.row["trained_on_sha256"] == "a" * 64
    assert made.sae.metadata["data_sha256"] == sha256_array(X)
    np.testing.assert_array_equal(made.sae.encode(X), ours.encode(X))
    # Random weights reconstruct nothing, and the log asks what these rows are.
    assert made.row["explained_variance"] < 0
    assert any("less than the mean does: is this the embedding" in line for line in said)


@pytest.mark.parametrize("name", ["sae.pt", "w.safetensors"])
def test_a_truncated_file(name, tmp_path):
    store(tmp_path / "sae.pt", LINEAR)
    save_file(NAMED, tmp_path / "w.safetensors")
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=rf"{name}: .*(no whole file|damaged)") as caught:
        model.load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_tensors_without_the_file_that_says_their_class(tmp_path):
    linear = {"encoder.weight": W, "encoder.bias": BIAS, "decoder.weight": D.T, "b_dec": OFFSET}
    kept = {"k": np.int32(K), "threshold": np.float32(0.5)}
    path = store(tmp_path / "ae.pt", linear | kept)
    with pytest.raises(InputError, match="may be a AutoEncoderTopK or a BatchTopKSAE; get config"):
        model.load(path)
    codes = largest(before(X - OFFSET), K)
    said = ImportedSAE(path=path, architecture="AutoEncoderTopK")
    agree(model.load(said), codes, codes @ D.astype(np.float64) + OFFSET)


def test_an_edit_in_units_of_rows_is_what_the_reconstruction_gains(tmp_path):
    """In sae-lens a reconstruction is codes times decoder, times the row's standard deviation."""
    sae = model.load(saelens(tmp_path / "ln", normalize_activations="layer_norm"))
    edited = edit_cells(sae, X, [Edit(4, "set", 2.0)])
    codes = sae.encode(X).astype(np.float64)
    std = X.astype(np.float64).std(1, ddof=1, keepdims=True)
    moved = (2 - codes[:, [4]]) * D[4].astype(np.float64) * std
    np.testing.assert_allclose(edited.after - edited.before, moved, rtol=1e-4, atol=1e-4)
    without_error = edit_cells(sae, X, [Edit(4, "set", 2.0)], keep_error=False)
    np.testing.assert_allclose(without_error.before, sae.decode(codes, X), rtol=1e-5, atol=1e-5)
