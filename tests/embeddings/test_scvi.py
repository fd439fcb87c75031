"""scVI without scvi-tools: decoder by pencil, networks against torch, files that lie."""

import os
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from featurelens.datasets.config import OwnCells
from featurelens.embeddings.bundle import read_bundle, write_bundle
from featurelens.embeddings.decoders.kinds.scvi import ScviDecoder
from featurelens.embeddings.decoders.registry import load_decoder, save_decoder
from featurelens.embeddings.embed import embed
from featurelens.embeddings.expression import expression
from featurelens.embeddings.models.scvi import honoured
from featurelens.embeddings.models.scvi.config import ScviModel
from featurelens.embeddings.models.scvi.network import fold_batch_norm
from featurelens.embeddings.models.scvi.saved import read_saved
from featurelens.embeddings.registry import check_model
from featurelens.io import InputError
from scvi_files import BATCHES, GENES, content, network, save

FLOAT = np.float32
# One hidden unit, ReLU(z + 2 left - right), then logits (h, 0) for two genes.
PENCIL = ScviDecoder(
    weights=(np.array([[1, 2, -1]], dtype=FLOAT),),
    biases=(np.zeros(1, dtype=FLOAT),),
    scale_weight=np.array([[1], [0]], dtype=FLOAT),
    scale_bias=np.zeros(2, dtype=FLOAT),
    theta=np.array([2, 5], dtype=FLOAT),
    shares=np.array([0.75, 0.25], dtype=FLOAT),
)


def odds(h):
    """Softmax of (h, 0)."""
    return np.array([np.exp(h), 1]) / (np.exp(h) + 1)


@pytest.fixture
def cells():
    """Forty cells; one gene more than the model knows, and another order."""
    rng = np.random.default_rng(0)
    counts = sparse.csr_matrix(rng.poisson(1.5, (40, 7)).astype(np.int32))
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(["T", "B"] * 20),
            "batch": pd.Categorical(rng.choice(BATCHES, 40)),
            "library": np.asarray(counts.sum(axis=1)).ravel().astype(float),
            "split": pd.Categorical(["train"] * 40),
        },
        index=[f"c{i}" for i in range(40)],
    )
    var = pd.DataFrame({"symbol": ["new", *GENES[::-1]]}, index=["new", *GENES[::-1]])
    X = sparse.csr_matrix(counts.astype(FLOAT)).log1p()
    return anndata.AnnData(X, obs=obs, var=var, layers={"counts": counts})


def test_one_hot_batches_by_pencil():
    z = np.array([[1.0], [1.0]])
    decoded = PENCIL.decode(z, library=[10, 20], covariate=np.eye(2))
    np.testing.assert_allclose(decoded, [10 * odds(3), 20 * odds(0)], rtol=1e-6)


def test_a_mixture_of_batches_averages_what_each_decodes_to():
    mixed = PENCIL.decode(np.array([[1.0]]), library=1)
    np.testing.assert_allclose(mixed[0], 0.75 * odds(3) + 0.25 * odds(0), rtol=1e-6)
    other = PENCIL.decode(np.array([[1.0]]), library=1, covariate=np.array([0.5, 0.5]))
    np.testing.assert_allclose(other[0], 0.5 * odds(3) + 0.5 * odds(0), rtol=1e-6)
    with pytest.raises(ValueError, match="covariate has 3 columns, not 2"):
        PENCIL.decode(np.array([[1.0]]), covariate=np.ones(3))


def test_shape_dispersion_and_the_way_through_files(tmp_path):
    assert PENCIL.shape == (1, 2)
    save_decoder(PENCIL, tmp_path)
    loaded = load_decoder(tmp_path)
    assert isinstance(loaded, ScviDecoder)
    np.testing.assert_array_equal(loaded.dispersion, [2, 5])
    z = np.random.default_rng(0).normal(size=(5, 1))
    np.testing.assert_array_equal(loaded.decode(z), PENCIL.decode(z))


def test_a_folded_layer_is_the_layer_and_its_normalisation():
    linear, norm = torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3, eps=0.001)
    norm.running_mean.copy_(torch.tensor([1.0, -2.0, 0.5]))
    norm.running_var.copy_(torch.tensor([0.5, 4.0, 1e-3]))
    both = torch.nn.Sequential(linear, norm).eval()
    state = {f"x.{name}": value.numpy() for name, value in both.state_dict().items()}
    weight, bias = fold_batch_norm(state, "x")
    x = torch.randn(6, 4)
    with torch.no_grad():
        np.testing.assert_allclose(x.numpy() @ weight.T + bias, both(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("batches", [BATCHES, ["all"]], ids=["three batches", "one batch"])
def test_a_saved_model_embeds_and_decodes_as_its_networks_do(cells, tmp_path, batches):
    model = network(n_batches=len(batches))
    if len(batches) == 1:
        cells.obs["batch"] = pd.Categorical(["all"] * 40)
    path = save(tmp_path / "model.pt", model, batches=batches)
    bundle = embed(cells, ScviModel(checkpoint=path))
    assert bundle.cells.var_names.tolist() == GENES
    assert bundle.cells.obs_names.tolist() == cells.obs_names.tolist()
    counts = cells[:, GENES].layers["counts"].toarray()
    mean, _ = model.encode(counts)
    np.testing.assert_allclose(bundle.embedding, mean, atol=1e-5)
    np.testing.assert_allclose(
        bundle.decoder.dispersion, model.px_r.detach().exp().numpy(), rtol=1e-6
    )

    codes = pd.Categorical(cells.obs["batch"].astype(str), categories=batches).codes
    z = np.random.default_rng(1).normal(size=(40, 2)).astype(FLOAT)
    decoded = bundle.decode(z, rows=np.arange(40), library=1)
    np.testing.assert_allclose(decoded, model.decode(z, codes), atol=1e-6)
    # At a common code: the average over batches, by their share of the cells.
    shares = np.bincount(codes) / 40
    by_batch = [model.decode(bundle.embedding, [b] * 40) for b in range(len(batches))]
    common = np.tensordot(shares, by_batch, axes=1)
    np.testing.assert_allclose(expression(bundle, library=1), common, atol=1e-5)

    write_bundle(bundle, tmp_path / "bundle")
    again = read_bundle(tmp_path / "bundle")
    np.testing.assert_array_equal(again.decode(z, rows=np.arange(40), library=1), decoded)
    assert again.info["decoder"] == "scvi"
    assert again.info["model_version"] == "scvi-tools 1.4.2"


def test_a_sample_is_seeded_and_has_the_posteriors_moments(cells, tmp_path):
    model = network()
    path = save(tmp_path / "model.pt", model)
    draws = [
        embed(cells, ScviModel(checkpoint=path, sample=True, seed=seed)).embedding
        for seed in (0, 0, *range(1, 200))
    ]
    np.testing.assert_array_equal(draws[0], draws[1])
    mean, variance = model.encode(cells[:, GENES].layers["counts"].toarray())
    # 200 draws of 40 x 2 values: z scores of their means have standard deviation 1.
    z = (np.mean(draws[1:], axis=0) - mean) / np.sqrt(variance / 200)
    assert abs(z.std() - 1) < 0.25
    np.testing.assert_allclose(np.var(draws[1:], axis=0) / variance, 1, atol=0.5)


def test_nothing_that_a_file_names_is_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    made = content(network())
    made["attr_dict"]["trap"] = Trap()
    torch.save(made, tmp_path / "model.pt")
    assert read_saved(str(tmp_path / "model.pt")).genes.tolist() == GENES
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"name": "SCANVI"}, "holds a model SCANVI; only SCVI is read"),
        ({"module": {"use_layer_norm": "both"}}, "with use_layer_norm='both', which is not read"),
        ({"latent_distribution": "ln"}, "was made with latent_distribution='ln'"),
        ({"genes": [*GENES[:5], "gone"]}, "was trained on gene 'gone', which the cells lack"),
        ({"batches": ["left", "right", "bottom"]}, "does not know batch 'top' of cell"),
    ],
)
def test_models_that_do_not_fit_are_refused(cells, tmp_path, about, message):
    path = save(tmp_path / "model.pt", network(), **about)
    with pytest.raises(InputError, match=message):
        embed(cells, ScviModel(checkpoint=path))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ({"extra_encoder_kwargs": {"activation_fn": torch.nn.ELU}}, "extra_encoder_kwargs=an obj"),
        ({"extra_encoder_kwargs": {"bias": False}}, r"extra_encoder_kwargs=\{'bias': False\}"),
        ({"extra_decoder_kwargs": {"bias": False}}, r"extra_decoder_kwargs=\{'bias': False\}"),
        ({"var_activation": torch.exp}, "var_activation=an object, which is not read"),
        ({"gene_likelihood": "normal"}, "='normal', which is not read; .* is not fed counts"),
        ({"batch_representation": "embedding"}, "batch_representation='embedding'"),
        ({"batch_embedding_kwargs": {"embedding_dim": 3}}, "batch_embedding_kwargs="),
        ({"use_size_factor_key": True}, "use_size_factor_key=True"),
        ({"of_tomorrow": 3}, r"by scvi-tools 1\.4\.2 with of_tomorrow=3, an option that is not"),
    ],
)
def test_options_that_change_the_networks_are_refused_by_name(tmp_path, module, message):
    path = save(tmp_path / "model.pt", network(), module=module)
    with pytest.raises(InputError, match=message):
        read_saved(path)


def test_options_of_training_and_of_shapes_are_accepted(tmp_path):
    module = {
        "use_batch_norm": "both",
        "encode_covariates": False,
        "deeply_inject_covariates": True,
        "extra_payload_autotune": False,
        "extra_encoder_kwargs": None,
        "extra_decoder_kwargs": {},
        "log_variational": False,
    }
    path = save(tmp_path / "model.pt", network(), module=module, dropout_rate=0.3, registry=None)
    saved = read_saved(path)
    assert (saved.likelihood, saved.log_input) == ("nb", False)


def test_every_option_that_is_known_is_on_the_page():
    page = (Path(__file__).parents[2] / "docs/saved-models.md").read_text()
    known = {*honoured.SEEN_IN_WEIGHTS, *honoured.OF_TRAINING, *honoured.READ}
    places_of_data = {"adata", "registry"}
    assert {name for name in known if f"`{name}`" not in page} == places_of_data


def test_a_network_without_a_bias_says_which(cells, tmp_path):
    made = content(network())
    del made["model_state_dict"]["decoder.px_decoder.fc_layers.Layer 1.0.bias"]
    torch.save(made, tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"has no decoder\.px_decoder.*Layer 1\.0\.bias"):
        embed(cells, ScviModel(checkpoint=str(tmp_path / "model.pt")))


@pytest.mark.parametrize("width", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_as_float32(tmp_path, width):
    made = content(network())
    state = made["model_state_dict"]
    made["model_state_dict"] = {
        name: value.to(width) if value.is_floating_point() else value
        for name, value in state.items()
    }
    torch.save(made, tmp_path / "model.pt")
    saved = read_saved(str(tmp_path / "model.pt")).state["px_r"]
    assert saved.dtype == np.float32
    step = 2.0**-8 if width == torch.bfloat16 else 2.0**-11  # half a unit in the last place
    np.testing.assert_allclose(saved, state["px_r"].numpy(), rtol=step)


def test_damaged_and_strange_files_are_refused(tmp_path):
    path = tmp_path / "model.pt"
    save(path, network())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="is no whole file"):
        read_saved(str(path))
    torch.save({"weights": torch.ones(2)}, path)
    with pytest.raises(InputError, match=r"is no model saved by scvi-tools .*attr_dict"):
        read_saved(str(path))
    with pytest.raises(InputError, match=r"gone\.pt: no such file"):
        read_saved("gone.pt")


def test_missing_genes_are_found_before_anything_is_computed(cells, tmp_path):
    path = save(tmp_path / "model.pt", network(), genes=[*GENES[:5], "gone"])
    cells.X = cells.layers["counts"]
    cells.write_h5ad(tmp_path / "cells.h5ad")
    own = OwnCells(path=str(tmp_path / "cells.h5ad"), cell_type="cell_type")
    with pytest.raises(InputError, match="'gone', which the cells lack"):
        check_model(own, ScviModel(checkpoint=path))


def test_training_without_scvi_tools_says_how_to_get_it(cells, monkeypatch):
    monkeypatch.setitem(sys.modules, "scvi", None)
    with pytest.raises(InputError, match=r"pip install 'featurelens\[scvi\]'"):
        embed(cells, ScviModel())
