"""Every form of SAE files, spoilt in every way: one line; in another precision, the same codes."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from featurelens.io import InputError
from featurelens.sae import model
from featurelens.sae.config import ImportedSAE, TensorNames
from saelens_files import VERSION

D_IN, D_SAE = 5, 12
RNG = np.random.default_rng(2)
X = RNG.normal(size=(40, D_IN)).astype(np.float32)
ATOMS = RNG.normal(size=(D_SAE, D_IN))
ATOMS /= np.linalg.norm(ATOMS, axis=1, keepdims=True)
W_enc, b_enc = RNG.normal(size=(D_IN, D_SAE)), RNG.normal(size=D_SAE)
W_out, b_out = RNG.normal(size=(D_SAE, 3)), RNG.normal(size=3)
b_dec = RNG.normal(size=D_IN)

OURS = {"W_enc": W_enc, "b_enc": b_enc, "W_dec": ATOMS, "b_dec": b_dec}
LINEAR = {"encoder.weight": W_enc.T, "encoder.bias": b_enc}
SAID = {"d_in": D_IN, "d_sae": D_SAE} | VERSION
TRANSCODER = {"architecture": "transcoder", "d_out": 3, "apply_b_dec_to_input": False}
OF_SPARSIFY = {"activation": "topk", "k": 4, "num_latents": D_SAE, "d_in": D_IN}
NAMES = TensorNames(W_enc="W_enc", b_enc="b_enc", W_dec="W_dec", b_dec="b_dec")
FORMS = {
    "saelens": ("sae_weights.safetensors", OURS, {"cfg.json": {"architecture": "standard"} | SAID}),
    "saelens transcoder": (
        "sae_weights.safetensors",
        OURS | {"W_dec": W_out, "b_dec": b_out},
        {"cfg.json": TRANSCODER | SAID},
    ),
    "dictionary_learning": (
        "ae.pt",
        LINEAR | {"decoder.weight": ATOMS.T, "bias": b_dec},
        {"config.json": {"trainer": {"dict_class": "AutoEncoder"}}},
    ),
    "sparsify": (
        "sae.safetensors",
        LINEAR | {"W_dec": ATOMS, "b_dec": b_dec},
        {"cfg.json": OF_SPARSIFY},
    ),
    "overcomplete": (
        "sae.pt",
        {f"encoder.final_block.0.{name[8:]}": array for name, array in LINEAR.items()}
        | {"dictionary._weights": ATOMS, "dictionary.multiplier": np.zeros(())},
        {},
    ),
    "study": (
        "sae.pt",
        {f"encoder.0.{name[8:]}": array for name, array in LINEAR.items()}
        | {"decoder.0.weight": ATOMS.T, "decoder.0.bias": b_dec},
        {},
    ),
    "tensors": ("w.safetensors", OURS, {}),
}


def write(folder, form, kind=torch.float32, arrays=None):
    """Weights of a form in some precision; what reads them."""
    name, own, beside = FORMS[form]
    arrays = own if arrays is None else arrays
    stored = {n: torch.as_tensor(a.copy()).to(kind).contiguous() for n, a in arrays.items()}
    if name.endswith(".pt"):
        torch.save(stored, folder / name)
    else:
        save_file(stored, folder / name)
    for file, content in beside.items():
        (folder / file).write_text(json.dumps(content))
    said = {"overcomplete": {"architecture": "SAE"}}.get(form, {})
    said |= {"architecture": "relu", "tensors": NAMES} if form == "tensors" else {}
    alone = form in ("overcomplete", "study", "tensors")
    return ImportedSAE(path=str(folder / name if alone else folder), **said)


def one_line(message, call, *arguments, **named):
    with pytest.raises(InputError, match=message) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_cut_off_or_lacks_what_it_names(form, tmp_path):
    given = write(tmp_path, form)
    name, _, beside = FORMS[form]
    whole = (tmp_path / name).read_bytes()
    for kept in (len(whole) - 40, len(whole) // 2, 6, 0):
        (tmp_path / name).write_bytes(whole[:kept])
        one_line(f"{name}: ", model.load, given)
    (tmp_path / name).write_bytes(whole)
    for file in beside:
        text = (tmp_path / file).read_text()
        (tmp_path / file).write_text(text[: len(text) // 2])
        one_line(f"{file}: cannot be read as JSON", model.load, given)


@pytest.mark.parametrize("form", FORMS)
def test_an_embedding_of_another_width(form, tmp_path):
    sae = model.load(write(tmp_path, form))
    said = {"where": "theirs", "embedding": "mine/pca"}
    one_line("5 inputs, but 'mine/pca' has 7 dimensions", model.require_width, sae, 7, **said)
    model.require_width(sae, D_IN, **said)


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("form", FORMS)
def test_weights_of_another_precision_are_those_that_they_round_to(form, kind, tmp_path):
    """Doubles are folded before they are rounded, so that last digits differ."""
    for name in ("given", "widened"):
        (tmp_path / name).mkdir()
    found = model.load(write(tmp_path / "given", form, kind)).encode(X)
    rounded = {n: torch.as_tensor(a).to(kind).double().numpy() for n, a in FORMS[form][1].items()}
    wide = model.load(write(tmp_path / "widened", form, arrays=rounded)).encode(X)
    assert found.dtype == np.float32
    assert found.any()
    np.testing.assert_allclose(found, wide, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ["saelens", "sparsify", "tensors"])
def test_weights_of_a_type_that_is_not_read(form, tmp_path):
    one_line("is of type F8_E4M3", model.load, write(tmp_path, form, torch.float8_e4m3fn))
