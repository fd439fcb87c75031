"""multiDGD from its checkpoint: equal to the package, and refused where rows do not match."""

from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest
import statsmodels.api as sm
import torch
from anndata.io import write_elem
from scipy import stats

from featurelens.datasets.config import OwnCells, Pbmc68kReduced
from featurelens.datasets.readers import read_dataset
from featurelens.embeddings.bundle import read_bundle, write_bundle
from featurelens.embeddings.embed import embed
from featurelens.embeddings.expression import expression
from featurelens.embeddings.models.multidgd.config import MultiDGDModel
from featurelens.embeddings.models.multidgd.row_proof import log_likelihood, shuffle_within
from featurelens.embeddings.registry import check_model
from featurelens.io import InputError
from multidgd_files import (
    N_CELLS,
    N_GENES,
    N_TRAIN,
    C,
    D,
    cells_config,
    make_cells,
    make_model,
    write_model,
)

REAL = Path(__file__).parents[3] / "shared" / "data" / "multidgd"


@pytest.fixture
def model():
    return make_model(N_TRAIN)


@pytest.fixture
def adata(model):
    return make_cells(model)


@pytest.fixture
def cells(adata, tmp_path) -> anndata.AnnData:
    adata.write_h5ad(tmp_path / "cells.h5ad")
    return read_dataset(cells_config(tmp_path / "cells.h5ad"))


@pytest.fixture
def config(model, tmp_path) -> MultiDGDModel:
    return write_model(tmp_path, model.state_dict())


# --- against the package itself ----------------------------------------------------------------


@pytest.mark.skipif(not REAL.exists(), reason="the real checkpoint is not beside the repository")
def test_a_real_checkpoint_gives_what_the_package_gives():
    expected = np.load(REAL / "pbmc_small_expected.npz")
    dataset = OwnCells(
        path=str(REAL / "pbmc_small.h5ad"), cell_type="observable", modality="GEX", symbol="symbol"
    )
    model = MultiDGDModel(
        checkpoint=str(REAL / "pbmc_small.pt"),
        hyperparameters=str(REAL / "pbmc_small_hyperparameters.json"),
    )
    check_model(dataset, model)
    bundle = embed(read_dataset(dataset), model)
    assert bundle.cells.obs_names.tolist() == expected["train_cells"].tolist()
    assert bundle.cells.var_names.tolist() == expected["gex_genes"].tolist()
    assert np.array_equal(bundle.embedding, expected["z"])
    assert np.array_equal(bundle.covariate, expected["cov"])
    # exp in single precision differs in its last bit from processor to processor
    np.testing.assert_allclose(bundle.decoder.dispersion, expected["dispersion_r"][0], rtol=3e-7)
    decoded = bundle.decoder.decode(
        bundle.embedding[:40], covariate=bundle.covariate[:40], library=1
    )
    # A proportion is exp of a sum of some size 10: its last bit is 1e-6 of the proportion.
    np.testing.assert_allclose(decoded, expected["decoded_first40"], rtol=4e-6, atol=1e-9)
    proof = bundle.info["fit"]["proof_of_row_order"]
    assert proof["z"] > 3
    assert proof["gene_shuffles_beaten"] == 1


@pytest.mark.skipif(not REAL.exists(), reason="the real checkpoint is not beside the repository")
def test_a_real_checkpoint_with_cells_in_another_order_is_refused():
    dataset = OwnCells(path=str(REAL / "pbmc_small.h5ad"), cell_type="observable", modality="GEX")
    model = MultiDGDModel(
        checkpoint=str(REAL / "pbmc_small.pt"),
        hyperparameters=str(REAL / "pbmc_small_hyperparameters.json"),
    )
    with pytest.raises(InputError, match="rows do not match the cells"):
        embed(read_dataset(dataset)[::-1], model)


# --- a model made here -------------------------------------------------------------------------


def test_bundle_equals_the_forward_pass_of_torch(model, adata, cells, config):
    bundle = embed(cells, config)
    with torch.no_grad():
        expected = model()[0].numpy()
        r = model.decoder.out_modules[0].distribution.log_r.exp().numpy()[0] + 1
    assert bundle.embedding.shape == (N_TRAIN, D)
    assert np.array_equal(bundle.embedding, model.representation.z.detach().numpy())
    assert np.array_equal(bundle.covariate, model.correction_rep.z.detach().numpy())
    assert np.array_equal(bundle.decoder.dispersion, r)
    train = adata.obs_names[adata.obs["train_val_test"] == "train"]
    assert bundle.cells.obs_names.tolist() == train.tolist()
    assert bundle.cells.var_names.tolist() == [f"f{i}" for i in range(N_GENES)]
    decoded = bundle.decoder.decode(bundle.embedding, covariate=bundle.covariate, library=1)
    np.testing.assert_allclose(decoded, expected, rtol=1e-5, atol=1e-9)
    assert bundle.decoder.shape == (D, N_GENES)
    assert bundle.decoder.share_clipped(bundle.embedding) == 0
    assert bundle.info["n_covariates"] == C


def test_library_counts_the_kept_modality_only(adata, cells):
    genes = adata.X[:, :N_GENES].sum(axis=1).A1
    assert cells.obs["library"].tolist() == genes.tolist()
    assert (genes < adata.X.sum(axis=1).A1).any()


def test_covariate_is_the_own_one_the_mean_one_or_one_for_all(model, cells, config):
    bundle = embed(cells, config)
    codes = model.correction_rep.z.detach()
    mean = codes.double().mean(dim=0).float().expand_as(codes)
    with torch.no_grad():
        both = torch.cat([model.representation.z, mean], 1)
        expected = model.decoder(both)[0].numpy() * 1e4
    np.testing.assert_allclose(expression(bundle), expected, rtol=1e-4)
    default = bundle.decoder.decode(bundle.embedding)
    np.testing.assert_allclose(default, expected, rtol=1e-4)
    one = bundle.decoder.decode(bundle.embedding, covariate=mean[0].numpy())
    np.testing.assert_allclose(one, expected, rtol=1e-4)
    own = bundle.decoder.decode(bundle.embedding, covariate=bundle.covariate)
    assert np.abs(own - expected).max() > 1
    rows = np.array([5, 2])
    few = bundle.decode(bundle.embedding[rows], rows=rows)
    np.testing.assert_allclose(few, own[rows], rtol=1e-5)
    np.testing.assert_allclose(bundle.decode(bundle.embedding), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="covariate has 3 columns, not 2"):
        bundle.decoder.decode(bundle.embedding, covariate=np.zeros(3))


def test_many_rows_are_decoded_like_few(cells, config):
    decoder = embed(cells, config).decoder
    rng = np.random.default_rng(0)
    z, code = rng.normal(size=(2500, D)), rng.normal(size=(2500, C))
    library = rng.uniform(1, 9, 2500)
    rows = [0, 1023, 1024, 2499]
    many = decoder.decode(z, covariate=code, library=library)[rows]
    few = decoder.decode(z[rows], covariate=code[rows], library=library[rows])
    np.testing.assert_allclose(many, few, rtol=1e-5)
    np.testing.assert_allclose(many.sum(axis=1), library[rows], rtol=1e-5)


def test_written_and_read(cells, config, tmp_path):
    bundle = embed(cells, config)
    write_bundle(bundle, tmp_path / "bundle")
    loaded = read_bundle(tmp_path / "bundle")
    assert loaded.info == bundle.info
    assert np.array_equal(loaded.covariate, bundle.covariate)
    assert np.array_equal(loaded.decoder.dispersion, bundle.decoder.dispersion)
    assert np.array_equal(expression(loaded), expression(bundle))
    note = (tmp_path / "bundle" / "decoder.json").read_text()
    assert "variance m + m^2 / r" in note


def test_the_dispersion_is_the_inverse_of_statsmodels_alpha():
    # m = 6, r = 3: m + m^2 / r = 6 + 36 / 3 = 18; with alpha = r it would be 6 + 3 * 36 = 114.
    assert stats.nbinom(3, 3 / (3 + 6)).var() == pytest.approx(18)
    assert sm.families.NegativeBinomial(alpha=1 / 3).variance(6) == pytest.approx(18)
    assert sm.families.NegativeBinomial(alpha=3).variance(6) == pytest.approx(114)


def test_a_model_without_covariates(tmp_path):
    model = make_model(N_TRAIN, covariates=0)
    make_cells(model).write_h5ad(tmp_path / "cells.h5ad")
    bundle = embed(
        read_dataset(cells_config(tmp_path / "cells.h5ad")),
        write_model(tmp_path, model.state_dict()),
    )
    assert bundle.covariate is None
    assert "X_cov" not in bundle.cells.obsm
    with torch.no_grad():
        expected = model()[0].numpy()
    np.testing.assert_allclose(expression(bundle, library=1), expected, rtol=1e-5, atol=1e-9)


def test_old_checkpoints_spell_one_key_otherwise(model, cells, tmp_path):
    state = dict(model.state_dict())
    state["_trained_status"] = state.pop("trained_status")
    assert embed(cells, write_model(tmp_path, state)).embedding.shape == (N_TRAIN, D)
    state["_trained_status"] = torch.tensor([False])
    with pytest.raises(InputError, match=r"model\.pt: says that its model was never trained"):
        embed(cells, write_model(tmp_path, state))


def test_another_modality_may_be_kept(model, adata, tmp_path, config):
    adata.write_h5ad(tmp_path / "cells.h5ad")
    cells = read_dataset(cells_config(tmp_path / "cells.h5ad", modality="ATAC"))
    # Its counts were not drawn from the model, and that is found out.
    other = MultiDGDModel(**{**vars(config), "modality": "ATAC"})
    with pytest.raises(InputError, match="rows do not match"):
        embed(cells, other)


# --- MuData ------------------------------------------------------------------------------------


def write_h5mu(adata: anndata.AnnData, path: Path, order: np.ndarray) -> None:
    """The file that mudata writes, as far as readers go; cells of one modality in their own order.

    The two data sets of mouse and brain come this way.
    """
    with h5py.File(path, "w") as handle:
        handle.attrs["encoding-type"] = "MuData"
        write_elem(handle, "obs", adata.obs)
        write_elem(handle, "var", adata.var)
        for name, kind in (("rna", "GEX"), ("atac", "ATAC")):
            part = adata[order, adata.var["modality"] == kind].copy()
            part.obs = part.obs[[]]
            write_elem(handle, f"mod/{name}", part)


def test_h5mu_is_read_by_cell_name(adata, cells, tmp_path, config):
    order = np.random.default_rng(0).permutation(N_CELLS)
    path = tmp_path / "cells.h5mu"
    write_h5mu(adata, path, order)
    again = read_dataset(cells_config(path, modality="rna"))
    assert again.obs_names.tolist() == cells.obs_names.tolist()
    assert (again.layers["counts"] != cells.layers["counts"]).nnz == 0
    assert again.obs["train_val_test"].tolist() == cells.obs["train_val_test"].tolist()
    bundle = embed(again, config)
    assert np.array_equal(bundle.embedding, embed(cells, config).embedding)
    with pytest.raises(InputError, match="several modalities; set modality to one of atac, rna"):
        read_dataset(cells_config(path, modality=None))
    write_h5mu(adata, path, order[1:])
    with pytest.raises(InputError, match=rf"mod/rna has no cell 'cell{order[0]}' \(1 such"):
        read_dataset(cells_config(path, modality="rna"))


def test_a_modality_is_read_in_chunks(adata, cells, tmp_path, monkeypatch):
    monkeypatch.setattr("featurelens.datasets.stored.VALUES_AT_ONCE", 500)
    for name, matrix in (("dense", adata.X.toarray()), ("csc", adata.X.tocsc()), ("csr", adata.X)):
        adata.X = matrix
        adata.write_h5ad(tmp_path / f"{name}.h5ad")
        again = read_dataset(cells_config(tmp_path / f"{name}.h5ad"))
        assert (again.layers["counts"] != cells.layers["counts"]).nnz == 0


def test_missing_modality(adata, tmp_path):
    adata.write_h5ad(tmp_path / "cells.h5ad")
    with pytest.raises(InputError, match=r"var\['modality'\] has no 'GX'; did you mean 'GEX'"):
        read_dataset(cells_config(tmp_path / "cells.h5ad", modality="GX"))
    with pytest.raises(InputError, match="var has no 'kind'; there is: modality"):
        read_dataset(cells_config(tmp_path / "cells.h5ad", modality_column="kind"))


# --- rows and cells ----------------------------------------------------------------------------


def test_likelihood_differences_are_those_of_scipy():
    rng = np.random.default_rng(0)
    counts, r = rng.poisson(3, (4, 6)), rng.uniform(1, 4, 6)
    one, two = rng.uniform(0.5, 9, (2, 4, 6))
    full = [stats.nbinom(r, r / (r + m)).logpmf(counts).sum(axis=1) for m in (one, two)]
    short = [log_likelihood(counts, m, r) for m in (one, two)]
    np.testing.assert_allclose(short[0] - short[1], full[0] - full[1], rtol=1e-9)


def test_shuffles_stay_within_groups():
    groups = np.array(list("abacabbcab"))
    rng = np.random.default_rng(0)
    seen = np.array([shuffle_within(groups, rng) for _ in range(200)])
    assert all(sorted(order) == list(range(10)) for order in seen.tolist())
    assert (groups[seen] == groups).all()
    # Position 3 may hold either c, position 0 each of the four a.
    assert set(seen[:, 3]) == {3, 7}
    assert set(seen[:, 0]) == {0, 2, 4, 8}


@pytest.mark.parametrize("disorder", ["all", "within types", "by one", "genes"])
def test_rows_that_do_not_match_are_refused(model, cells, tmp_path, disorder):
    state = dict(model.state_dict())
    rng = np.random.default_rng(1)
    types = cells.obs["cell_type"][cells.obs["train_val_test"] == "train"].astype(str).to_numpy()
    order = {
        "all": rng.permutation(N_TRAIN),
        "within types": shuffle_within(types, rng),
        "by one": np.roll(np.arange(N_TRAIN), 1),
        "genes": np.arange(N_TRAIN),
    }[disorder]
    for key in ("representation.z", "correction_rep.z"):
        state[key] = state[key][order]
    if disorder == "genes":
        cells = cells[:, rng.permutation(N_GENES)].copy()
    with pytest.raises(InputError, match=r"rows do not match the cells.*z = -?\d") as caught:
        embed(cells, write_model(tmp_path, state))
    assert "\n" not in str(caught.value)


def test_cells_that_cannot_prove_anything_are_refused(model, cells, tmp_path, config):
    cells.obs["cell_type"] = cells.obs_names
    with pytest.raises(InputError, match=r"rows do not match.*z = nan"):
        embed(cells, config)


# --- files that are not what they should be ------------------------------------------------------


def test_other_cells_and_other_genes(adata, cells, config, tmp_path):
    with pytest.raises(InputError, match=r"holds 80 representations, but 76 cells have train_val"):
        embed(cells[6:], config)
    with pytest.raises(InputError, match=r"has 39 genes, but the model of .* decodes 40"):
        embed(cells[:, 1:], config)
    cells.obs["train_val_test"] = "test"
    with pytest.raises(InputError, match=r"obs\['train_val_test'\] has no 'train'; .* is: test"):
        embed(cells, config)
    del cells.obs["train_val_test"]
    with pytest.raises(InputError, match="obs has no 'train_val_test'"):
        embed(cells, config)


def test_checked_before_anything_is_computed(adata, config, tmp_path):
    path = tmp_path / "cells.h5ad"
    adata.write_h5ad(path)
    check_model(cells_config(path), config)
    with pytest.raises(InputError, match=r"cells\.h5ad: has 46 genes, but .* decodes 40; give its"):
        check_model(cells_config(path, modality=None), config)
    with pytest.raises(InputError, match="pbmc68k_reduced is not what a multidgd model was"):
        check_model(Pbmc68kReduced(), config)
    with pytest.raises(InputError, match=r"obs has no 'split'"):
        check_model(cells_config(path), MultiDGDModel(**{**vars(config), "split_column": "split"}))
    checkpoint = tmp_path / "model.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"model\.pt: is no whole file of torch\.save"):
        check_model(cells_config(path), config)
    checkpoint.unlink()
    with pytest.raises(InputError, match=r"model\.pt: no such file; check the path"):
        check_model(cells_config(path), config)


def test_truncated_and_foreign_checkpoints(cells, config, tmp_path):
    path = tmp_path / "model.pt"
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"<!DOCTYPE html><html></html>"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"model\.pt: is no whole file of torch") as caught:
            embed(cells, config)
        assert "\n" not in str(caught.value)
    path.write_bytes(b"\x80\x02junk")
    with pytest.raises(InputError, match=r"model\.pt: cannot be read as tensors"):
        embed(cells, config)
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="holds a list, not a state dictionary"):
        embed(cells, config)


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_not_run(cells, config, tmp_path):
    torch.save({"representation.z": Harmful(tmp_path / "touched")}, tmp_path / "model.pt")
    with pytest.raises(InputError, match="cannot be read as tensors"):
        embed(cells, config)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("representation.z", "has no 'representation.z'"),
        ("decoder.out_modules.0.distribution.log_r", r"has no '.*log_r'"),
        ("decoder.main.4.weight", "layers under .* are missing or do not fit together"),
    ],
)
def test_missing_parts_of_a_checkpoint(model, cells, tmp_path, missing, message):
    state = dict(model.state_dict())
    del state[missing]
    if missing == "decoder.main.4.weight":
        state["decoder.main.4.weight"] = torch.zeros(3, 12)
    with pytest.raises(InputError, match=message):
        embed(cells, write_model(tmp_path, state))


def test_hyperparameters_that_do_not_belong(model, cells, tmp_path, config):
    state = model.state_dict()
    with pytest.raises(InputError, match=r"modalities has no 'rna'; there is: GEX, ATAC"):
        embed(cells, MultiDGDModel(**{**vars(config), "modality": "rna"}))
    with pytest.raises(InputError, match="scaling is 'mean'; only 'sum' is known"):
        embed(cells, write_model(tmp_path, state, scaling="mean"))
    (tmp_path / "model.json").write_text('{"modalities": ["GEX"')
    with pytest.raises(InputError, match=r"model\.json: cannot be read as JSON"):
        embed(cells, config)
    (tmp_path / "model.json").unlink()
    with pytest.raises(InputError, match=r"model\.json: no such file; check hyperparameters"):
        embed(cells, config)
