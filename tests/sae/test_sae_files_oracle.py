"""Files that other packages wrote: our activations are those of the packages, on real cells.

Weights are set so that activations spread; what is saved and loaded is the packages' own. Some of
them import language-model stacks when they are imported, so their modules are loaded by their path.
"""

import importlib
import json
import sys
import types
from importlib.metadata import PackageNotFoundError, distribution, version

import numpy as np
import pytest
import scanpy as sc

from featurelens.sae import model
from featurelens.sae.config import ImportedSAE

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

D_SAE, K = 120, 7
VERSIONS = {
    "sae-lens": "6.54.12",
    "dictionary-learning": "0.1.0",
    "eai-sparsify": "1.3.3",
    "overcomplete": "0.3.0",
}


@pytest.fixture(scope="module")
def X():
    """Twenty principal components of 700 blood cells."""
    return sc.datasets.pbmc68k_reduced().obsm["X_pca"][:, :20].astype(np.float32)


def package(project, name, module):
    """A module of a package, without what the package's own face imports."""
    try:
        assert version(project) == VERSIONS[project]
    except PackageNotFoundError:
        pytest.skip(f"{project} is installed by make test-oracles")
    if name not in sys.modules:
        face = types.ModuleType(name)
        face.__path__ = [str(distribution(project).locate_file(name))]
        sys.modules[name] = face
    return importlib.import_module(f"{name}.{module}")


def spread(module, seed=0):
    """Parameters as large as an SAE's, so that some features fire and others do not."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 3)
    return module


def agree(ours, X, codes, reconstruction=None):
    codes = codes.detach().numpy()
    found = ours.encode(X)
    assert 0.02 < (codes > 0).mean() < 0.9
    unit = np.abs(codes).max()
    assert np.abs(found - codes).max() < 1e-5 * max(unit, 1)
    assert ((found > 0) != (codes > 0)).sum() <= 1  # a value within rounding of its threshold
    if reconstruction is not None:
        theirs = reconstruction.detach().numpy()
        assert np.abs(ours.decode(found, X) - theirs).max() < 1e-5 * np.abs(theirs).max()


# ---- SAELens ----


@pytest.fixture(scope="module")
def sae_lens():
    return pytest.importorskip("sae_lens", reason="sae-lens is installed by make test-oracles")


@pytest.mark.parametrize("units", ["layer_norm", "constant_norm_rescale"])
@pytest.mark.parametrize("name", ["standard", "topk", "jumprelu", "gated"])
def test_saelens_with_rows_in_units_of_their_own(sae_lens, X, tmp_path, name, units):
    import torch

    settings = {"d_in": X.shape[1], "d_sae": D_SAE, "normalize_activations": units}
    settings |= {"k": K} if name == "topk" else {}
    theirs = spread(sae_lens.saes.sae.SAE.from_dict({"architecture": name, **settings}))
    theirs.save_model(tmp_path)
    again = sae_lens.SAE.load_from_disk(tmp_path, device="cpu")
    codes = again.encode(torch.from_numpy(X))
    agree(model.load(tmp_path), X, codes, again.decode(codes))


@pytest.mark.parametrize("name", ["BatchTopK", "MatryoshkaBatchTopK", "JumpReLU", "TopK"])
def test_what_training_saes_of_saelens_save_for_use(sae_lens, X, tmp_path, name):
    import torch

    own = getattr(sae_lens, f"{name}TrainingSAE"), getattr(sae_lens, f"{name}TrainingSAEConfig")
    settings = {"d_in": X.shape[1], "d_sae": D_SAE}
    settings |= {} if name == "JumpReLU" else {"k": K}
    settings |= {"matryoshka_widths": [40]} if name.startswith("Matr") else {}
    trained = spread(own[0](own[1](**settings)))
    if hasattr(trained, "topk_threshold"):
        trained.topk_threshold.fill_(2.0)
    trained.save_inference_model(tmp_path)
    theirs = sae_lens.SAE.load_from_disk(tmp_path, device="cpu")
    codes = theirs.encode(torch.from_numpy(X))
    agree(model.load(tmp_path), X, codes, theirs.decode(codes))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_saelens_in_another_precision(sae_lens, X, tmp_path, kind):
    """Theirs computes in that precision: it is compared where its weights are widened."""
    import torch

    settings = {"d_in": X.shape[1], "d_sae": D_SAE, "architecture": "standard", "dtype": kind}
    spread(sae_lens.saes.sae.SAE.from_dict(settings)).save_model(tmp_path)
    theirs = sae_lens.SAE.load_from_disk(tmp_path, device="cpu", dtype="float32")
    agree(model.load(tmp_path), X, theirs.encode(torch.from_numpy(X)))


@pytest.mark.parametrize("name", ["standard", "topk", "jumprelu", "gated"])
def test_a_scale_that_saelens_folds_is_the_scale_that_we_fold(sae_lens, X, tmp_path, name):
    import torch

    settings = {"d_in": X.shape[1], "d_sae": D_SAE, "architecture": name}
    settings |= {"k": K, "rescale_acts_by_decoder_norm": True} if name == "topk" else {}
    settings |= {"normalize_activations": "expected_average_only_in"}
    theirs = spread(sae_lens.saes.sae.SAE.from_dict(settings))
    theirs.save_model(tmp_path)
    theirs.fold_activation_norm_scaling_factor(0.125)
    codes = theirs.encode(torch.from_numpy(X))
    ours = model.load(ImportedSAE(path=str(tmp_path), input_scale=0.125))
    agree(ours, X, codes, theirs.decode(codes))


def test_a_checkpoint_of_saelens_with_its_scale_beside_it(sae_lens, X, tmp_path):
    """Their loader leaves the factor; folded by their own function, it is what we read."""
    import torch
    from sae_lens.training.activation_scaler import ActivationScaler

    settings = {"d_in": X.shape[1], "d_sae": D_SAE, "architecture": "standard"}
    settings |= {"normalize_activations": "expected_average_only_in"}
    spread(sae_lens.saes.sae.SAE.from_dict(settings)).save_model(tmp_path)
    ActivationScaler(scaling_factor=0.25).save(str(tmp_path / "activation_scaler.json"))
    theirs = sae_lens.SAE.load_from_disk(tmp_path, device="cpu")
    theirs.fold_activation_norm_scaling_factor(0.25)
    codes = theirs.encode(torch.from_numpy(X))
    agree(model.load(tmp_path), X, codes, theirs.decode(codes))


@pytest.mark.parametrize("units", ["none", "layer_norm"])
@pytest.mark.parametrize(
    "name",
    ["transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder"],
)
def test_transcoders_of_saelens(sae_lens, X, tmp_path, name, units):
    import torch

    settings = {"d_in": X.shape[1], "d_out": 8, "d_sae": D_SAE, "apply_b_dec_to_input": False}
    settings |= {"architecture": name, "normalize_activations": units}
    spread(sae_lens.saes.sae.SAE.from_dict(settings)).save_model(tmp_path / "theirs")
    theirs = sae_lens.SAE.load_from_disk(tmp_path / "theirs", device="cpu")
    ours = model.load(tmp_path / "theirs")
    agree(ours, X, theirs.encode(torch.from_numpy(X)))
    model.save(ours, tmp_path / "ours")
    with pytest.raises(Exception, match="encoder"):
        sae_lens.SAE.load_from_disk(tmp_path / "ours", device="cpu")


# ---- dictionary_learning ----

DICTIONARIES = {
    "AutoEncoder": ("dictionary", ()),
    "AutoEncoderNew": ("dictionary", ()),
    "GatedAutoEncoder": ("dictionary", ()),
    "JumpReluAutoEncoder": ("dictionary", ()),
    "AutoEncoderTopK": ("trainers.top_k", (K,)),
    "BatchTopKSAE": ("trainers.batch_top_k", (K,)),
    "MatryoshkaBatchTopKSAE": ("trainers.matryoshka_batch_top_k", (K, [40, 80])),
}


@pytest.mark.parametrize("kind", DICTIONARIES)
def test_dictionaries(X, tmp_path, kind):
    import torch

    where, more = DICTIONARIES[kind]
    own = getattr(package("dictionary-learning", "dictionary_learning", where), kind)
    written = spread(own(X.shape[1], D_SAE, *more))
    if "TopK" in kind:
        written.threshold.fill_(2.0)
    torch.save(written.state_dict(), tmp_path / "ae.pt")
    (tmp_path / "config.json").write_text(json.dumps({"trainer": {"dict_class": kind}}))
    theirs = own.from_pretrained(str(tmp_path / "ae.pt"))
    rows = torch.from_numpy(X)
    if kind == "AutoEncoderNew":  # it scales codes by the decoder's norm where it returns both
        reconstruction, codes = theirs(rows, output_features=True)
    else:
        codes = theirs.encode(rows)
        reconstruction = theirs.decode(codes)
    agree(model.load(tmp_path), X, codes, reconstruction)


# ---- sparsify ----


CODERS = {
    "plain": {},
    "by factor": {"num_latents": 0},
    "groupmax": {"activation": "groupmax", "k": 8},
    "transcoder": {"transcode": True},
    "transcoder with skip": {"transcode": True, "skip_connection": True},
}


@pytest.mark.parametrize("name", CODERS)
def test_sparse_coders_of_sparsify(X, tmp_path, name):
    import torch

    config = package("eai-sparsify", "sparsify", "config").SparseCoderConfig
    own = package("eai-sparsify", "sparsify", "sparse_coder").SparseCoder
    asked = config(**{"num_latents": D_SAE, "expansion_factor": 6, "k": K} | CODERS[name])
    spread(own(X.shape[1], asked)).save_to_disk(tmp_path)
    theirs = own.load_from_disk(tmp_path)
    top, places, _ = theirs.encode(torch.from_numpy(X))
    codes = torch.zeros(len(X), D_SAE).scatter(1, places, top)
    agree(model.load(tmp_path), X, codes)


# ---- overcomplete ----

MODULES = {
    "SAE": {"encoder_module": "linear"},
    "SAE with BatchNorm": {"encoder_module": "mlp_bn_1"},
    "SAE with a multiplier": {"dictionary_params": {"use_multiplier": True}},
    "TopKSAE": {"top_k": K},
    "BatchTopKSAE": {"top_k": 5000},
    "JumpSAE": {},
    "RATopKSAE": {"top_k": K, "points": 60},
    "RAJumpSAE": {"points": 60},
}


@pytest.mark.parametrize("saved_after", ["training", "eval"])
@pytest.mark.parametrize("name", MODULES)
def test_modules_of_overcomplete(X, tmp_path, name, saved_after):
    import torch

    kind, settings = name.split()[0], dict(MODULES[name])
    own = getattr(package("overcomplete", "overcomplete", "sae"), kind)
    rows = torch.from_numpy(X)
    torch.manual_seed(0)
    if "points" in settings:
        settings["points"] = rows[: settings["points"]].clone()
    theirs = own(X.shape[1], D_SAE, **settings)
    optimiser = torch.optim.Adam(theirs.parameters(), 1e-3)
    for _ in range(5):
        optimiser.zero_grad()
        (theirs(rows)[2] - rows).square().mean().backward()
        optimiser.step()
    if saved_after == "training":
        torch.save(theirs.state_dict(), tmp_path / "sae.pt")
        theirs.eval()
    else:
        theirs.eval()
        torch.save(theirs.state_dict(), tmp_path / "sae.pt")
    said = {"architecture": kind} | ({"k": K} if "TopK" in kind else {})
    if kind == "BatchTopKSAE":
        said = {"architecture": kind, "threshold": float(theirs.running_threshold)}
    _, codes, reconstruction = theirs(rows)
    ours = model.load(ImportedSAE(path=str(tmp_path / "sae.pt"), **said))
    agree(ours, X, codes, reconstruction)
