"""scVI trained by scvi-tools, against what scvi-tools itself says of the same model."""

from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset
from featurelens.embeddings.diagnostics import diagnose
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.scvi.config import ScviModel
from featurelens.embeddings.models.scvi.saved import read_saved
from featurelens.io import InputError
from featurelens.means import Means

# scvi-tools and lightning warn of workers and loggers, and of what they will change.
pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("default")]
FACS = Path(__file__).parents[3] / "shared/data/cells/pbmc_facs.h5ad"


@pytest.fixture(scope="module")
def scvi():
    return pytest.importorskip("scvi", reason="scvi-tools is installed by make test-models")


@pytest.fixture
def cells():
    """Three programs, three batches, and ten cells that are held out."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 300)
    rates = rng.gamma(0.5, 2, (3, 50))[kind] + 0.1
    counts = sparse.csr_matrix(rng.poisson(rates).astype(np.int32))
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(np.array(["T", "B", "NK"])[kind]),
            "batch": pd.Categorical(rng.choice(["x", "y", "z"], 300)),
            "library": np.asarray(counts.sum(axis=1)).ravel().astype(float),
            "split": pd.Categorical(["train"] * 290 + ["test"] * 10),
        },
        index=[f"c{i}" for i in range(300)],
    )
    var = pd.DataFrame(index=[f"g{i}" for i in range(50)])
    X = sparse.csr_matrix(counts.astype(np.float32)).log1p()
    return anndata.AnnData(X, obs=obs, var=var, layers={"counts": counts})


def trained(scvi, cells, folder, **options):
    """A model as a user of scvi-tools trains and saves it."""
    data = anndata.AnnData(cells.layers["counts"].astype(np.float32), cells.obs.copy(), cells.var)
    scvi.settings.seed = 0
    scvi.model.SCVI.setup_anndata(data, batch_key="batch")
    model = scvi.model.SCVI(data, n_latent=5, n_hidden=16, **options)
    model.train(max_epochs=5, accelerator="cpu", devices=1, enable_progress_bar=False)
    model.save(str(folder), overwrite=True)
    return model


@pytest.mark.parametrize(
    "options",
    [
        {"gene_likelihood": "nb", "n_layers": 2},
        {"gene_likelihood": "zinb"},
        {"gene_likelihood": "poisson", "use_batch_norm": "none"},
        {"gene_likelihood": "nb", "encode_covariates": True, "deeply_inject_covariates": False},
        {"gene_likelihood": "nb", "dispersion": "gene", "use_observed_lib_size": False},
        {"gene_likelihood": "nb", "log_variational": False, "use_batch_norm": "decoder"},
    ],
    ids=[
        *("two layers", "zinb", "poisson without normalisation", "batch in the encoder"),
        *("library inferred", "counts as they are"),
    ],
)
def test_a_saved_model_is_what_scvi_tools_says_it_is(scvi, cells, tmp_path, options):
    model = trained(scvi, cells, tmp_path, **options)
    bundle = embed(cells, ScviModel(checkpoint=str(tmp_path / "model.pt")))
    mean = model.get_latent_representation(give_mean=True)
    np.testing.assert_allclose(bundle.embedding, mean, atol=1e-5)

    z = 2 * np.random.default_rng(1).normal(size=mean.shape).astype(np.float32)
    batch = cells.obs["batch"].cat.codes.to_numpy(dtype=np.int64)[:, None]
    model.module.eval()
    with torch.inference_mode():
        out = model.module.generative(
            z=torch.tensor(z), library=torch.zeros(len(z), 1), batch_index=torch.tensor(batch)
        )["px"]
    ours = bundle.decode(z, rows=np.arange(len(z)), library=1)
    theirs = out.rate if options["gene_likelihood"] == "poisson" else out.mu
    np.testing.assert_allclose(ours, theirs, atol=1e-5, rtol=1e-5)
    if options["gene_likelihood"] == "poisson":
        assert bundle.decoder.dispersion is None
    else:
        theta = np.broadcast_to(out.theta, ours.shape)[0]
        np.testing.assert_allclose(bundle.decoder.dispersion, theta, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"extra_encoder_kwargs": {"activation_fn": torch.nn.ELU}}, "extra_encoder_kwargs"),
        ({"extra_decoder_kwargs": {"bias": False}}, "extra_decoder_kwargs"),
        ({"use_layer_norm": "encoder"}, "use_layer_norm='encoder'"),
        ({"var_activation": torch.exp}, "var_activation"),
        ({"gene_likelihood": "normal"}, "gene_likelihood='normal'"),
    ],
    ids=["encoder", "decoder", "layer norm", "variance", "normal"],
)
def test_what_scvi_tools_saved_is_refused_by_name(scvi, cells, tmp_path, options, named):
    trained(scvi, cells, tmp_path, **options)
    with pytest.raises(InputError, match=f"was made with {named}.*which is not read"):
        read_saved(str(tmp_path / "model.pt"))


def test_training_is_seeded_and_leaves_held_out_cells_out(scvi, cells):
    config = ScviModel(n_latent=4, n_hidden=16, epochs=3)
    first, again = (embed(cells, config) for _ in range(2))
    np.testing.assert_array_equal(first.embedding, again.embedding)
    assert first.info == again.info
    other = cells.copy()
    counts = other.layers["counts"]
    other.layers["counts"] = sparse.vstack([counts[:290], counts[:10]], format="csr")
    changed = embed(other, config)
    np.testing.assert_array_equal(changed.embedding[:290], first.embedding[:290])
    reseeded = embed(cells, replace(config, seed=1))
    assert not np.array_equal(reseeded.embedding, first.embedding)


def test_variable_genes_make_a_smaller_bundle(scvi, cells):
    bundle = embed(cells, ScviModel(n_latent=3, n_hidden=8, epochs=2, n_genes=20))
    assert bundle.cells.n_vars == 20
    assert bundle.decoder.shape == (3, 20)
    kept = cells[:, bundle.cells.var_names].layers["counts"]
    assert (bundle.cells.layers["counts"] != kept).nnz == 0


@pytest.mark.skipif(not FACS.exists(), reason="real cells are not in this checkout")
def test_real_cells_in_minutes(scvi):
    cells = read_dataset(OwnCells(path=str(FACS), cell_type="celltype"))
    bundle = embed(cells, ScviModel(n_genes=2000, epochs=15), means=Means(threads=2))
    row = diagnose(bundle, seed=0)
    # Ten sorted types; a linear probe finds most of them in 20 dimensions.
    assert row["probe_accuracy"] > 0.6
    assert row["decoder_mean_correlation"] > 0.95
    assert bundle.embedding.shape == (3774, 20)
