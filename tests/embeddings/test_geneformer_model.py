"""Geneformer's hidden states against the whole model run cell by cell; needs transformers.

The models are random and small but saved as real ones are. V1 has its real dictionaries where
they are at hand; those of V2 are invented, because no real ones are freely to be had.
"""

import json
import shutil
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import featurelens
from featurelens.datasets.config import OwnCells
from featurelens.datasets.readers import read_dataset
from featurelens.embeddings.bundle import read_bundle, write_bundle
from featurelens.embeddings.decoders.config import RidgeSurrogate
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.geneformer import hub
from featurelens.embeddings.models.geneformer.config import GeneformerModel
from featurelens.embeddings.models.geneformer.variants import SERIES, SIZES
from featurelens.io import InputError, read_json, sha256_file
from featurelens.means import Means
from featurelens.sae.model import load
from geneformer_files import PBMC, SHARED, V1, bert_config, write_dictionaries

pytest.importorskip("transformers", reason="needs transformers, which make test-models installs")
pytestmark = pytest.mark.models

N_GENES = 60
LAYERS = 3


@pytest.fixture(scope="module", params=["V1", "V2"])
def saved(request, tmp_path_factory):
    """A random model that save_pretrained wrote, as our config names it."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp(request.param)
    series = SERIES[request.param]
    vocabulary = N_GENES + (2 if series.special is None else 4)
    # Irregular, so that no two genes of a cell are equal and the order of columns cannot matter.
    irregular = np.random.default_rng(3).uniform(0.5, 5, N_GENES).tolist()
    medians = {f"ENSG{number:011d}": x for number, x in enumerate(irregular, start=1)}
    config = bert_config(
        vocabulary, layers=LAYERS, width=32, heads=4, inner=64, positions=series.input_size
    )
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig(**config)).save_pretrained(folder / "model")
    return GeneformerModel(
        variant=request.param,
        folder=str(folder / "model"),
        tokens_per_batch=400,
        **write_dictionaries(folder, request.param, n_genes=N_GENES, medians=medians),
    )


@pytest.fixture(scope="module")
def cells():
    """Cells with 1 to all of the genes, in no order of length."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.uniform(0.05, 3, (40, 1)) * np.ones(N_GENES))
    counts[7] = 0
    counts[7, 3] = 5
    counts[8] = 1
    counts[counts.sum(axis=1) == 0, 0] = 1
    return anndata.AnnData(
        sparse.csr_matrix(np.log1p(counts).astype(np.float32)),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(["a", "b"] * 20),
                "batch": pd.Categorical(["all"] * 40),
                "library": counts.sum(axis=1).astype(float),
                "split": pd.Categorical(["train"] * 40),
            },
            index=[f"cell{row}" for row in range(40)],
        ),
        var=pd.DataFrame(index=[f"ENSG{number:011d}" for number in range(1, N_GENES + 1)]),
        layers={"counts": sparse.csr_matrix(counts.astype(np.int32))},
    )


def whole_model(model):
    import torch
    from transformers import BertForMaskedLM

    loaded = BertForMaskedLM.from_pretrained(model.folder, attn_implementation="eager").eval()

    def states(tokens, layer):
        """Hidden states (n_tokens, d) of one cell, as Geneformer counts layers."""
        with torch.no_grad():
            made = loaded(input_ids=torch.tensor([tokens]), output_hidden_states=True)
        return made.hidden_states[LAYERS + layer][0].numpy()

    return states


def lists_of_genes(cells, model):
    """Tokens of every cell, by the definition and one cell at a time."""
    tokens, medians = (read_json(path) for path in (model.tokens, model.medians))
    for name in cells.obs_names:
        counts = cells[name].layers["counts"].toarray()[0]
        scaled = zip(cells.var_names, counts / counts.sum() * 10_000, strict=True)
        value = {gene: x / medians[gene] for gene, x in scaled if x}
        genes = [tokens[gene] for gene in sorted(value, key=lambda gene: -value[gene])]
        yield genes if model.series == "V1" else [tokens["<cls>"], *genes, tokens["<eos>"]]


def expected(cells, model):
    states = whole_model(model)
    for tokens in lists_of_genes(cells, model):
        made = states(tokens, model.layer)
        if model.pooling == "cls":
            yield made[0]
        else:
            yield (made if model.series == "V1" else made[1:-1]).mean(axis=0)


@pytest.mark.parametrize("layer", [0, -1, -2, -LAYERS])
def test_every_layer_is_that_of_the_whole_model_one_cell_at_a_time(saved, cells, layer):
    model = replace(saved, layer=layer)
    made = embed(cells, model).embedding
    np.testing.assert_allclose(made, list(expected(cells, model)), atol=1e-5)
    assert np.ptp(made, axis=0).min() > 1e-3, "cells differ, or a mixed order would not show"


def test_the_state_of_cls(saved, cells):
    if saved.series == "V1":
        pytest.skip("V1 has no <cls>; its config refuses this pooling")
    model = replace(saved, pooling="cls")
    made = embed(cells, model).embedding
    np.testing.assert_allclose(made, list(expected(cells, model)), atol=1e-5)


def test_an_sae_on_the_states_of_genes_has_features_of_cells(saved, cells, tmp_path):
    """What a random model makes of every gene of every cell, in a file, and features of it."""
    states_of = whole_model(saved)
    states, names = [], []
    for name, tokens in zip(cells.obs_names, lists_of_genes(cells, saved), strict=True):
        made = states_of(tokens, saved.layer)
        states.append(made if saved.series == "V1" else made[1:-1])
        names += [name] * len(states[-1])
    order = np.random.default_rng(0).permutation(len(names))
    states, names = np.concatenate(states)[order], np.array(names)[order]
    obs = pd.DataFrame({"cell": names}, index=[f"token{row}" for row in range(len(names))])
    anndata.AnnData(states, obs=obs).write_h5ad(tmp_path / "tokens.h5ad")
    genes = list(cells.var_names)
    features, table = featurelens.annotate(
        cells,
        tokens={"path": str(tmp_path / "tokens.h5ad"), "cell_column": "cell"},
        gene_sets={"first": genes[:20], "second": genes[20:40], "third": genes[40:]},
        cell_type="cell_type",
        counts_layer="counts",
        sae=featurelens.SAEConfig(architecture="topk", expansion=2, k=10, epochs=5),
        dge=featurelens.DgeConfig(expression="measured", high_percentile=80, min_cells=5),
        n_permutations=4,
        folder=tmp_path / "found",
        log=lambda line: None,
    )
    # The mean over a cell's genes is what the model's own pooling gives.
    np.testing.assert_allclose(features.obsm["X_emb"], embed(cells, saved).embedding, atol=1e-5)
    encoded = pd.DataFrame(load(tmp_path / "found/sae").encode(states)).groupby(names)
    expected = encoded.max().loc[cells.obs_names]
    np.testing.assert_allclose(features.X.toarray(), expected, rtol=1e-4, atol=1e-6)
    assert len(table) > 10
    assert features.uns["summary"]["n_tested"].min() > 0


@pytest.mark.parametrize("tokens_per_batch", [1, 100, 10**6])
def test_batches_change_nothing(saved, cells, tokens_per_batch):
    # All in one batch is the padding of every cell to the longest one.
    made = embed(cells, replace(saved, tokens_per_batch=tokens_per_batch)).embedding
    np.testing.assert_allclose(made, embed(cells, saved).embedding, atol=1e-5)


def test_vectors_follow_their_cells_and_genes(saved, cells):
    rows = np.random.default_rng(1).permutation(cells.n_obs)
    genes = np.random.default_rng(2).permutation(cells.n_vars)
    moved = embed(cells[rows][:, genes].copy(), saved)
    made = pd.DataFrame(moved.embedding, index=moved.cells.obs_names)
    first = embed(cells, saved)
    np.testing.assert_allclose(made.loc[cells.obs_names], first.embedding, atol=1e-5)
    assert moved.cells.obs_names.equals(cells.obs_names[rows])


def test_published_pairs_by_position_what_is_sorted_by_length(saved, cells):
    corrected = embed(cells, saved).embedding
    published = embed(cells, replace(saved, convention="published")).embedding
    n_genes = np.diff(cells.layers["counts"].indptr)
    # The order of Geneformer's downsample_and_sort: longest first, equal ones as they were.
    order = sorted(range(cells.n_obs), key=lambda row: -n_genes[row])
    assert (published == corrected[order]).all()
    assert (published != corrected).any(axis=1).mean() > 0.9


def test_two_runs_give_the_same_bytes(saved, cells):
    first, second = (embed(cells, saved).info["embedding_sha256"] for _ in range(2))
    assert first == second


def test_the_bundle_says_where_it_comes_from(saved, cells, tmp_path):
    lines = []
    write_bundle(embed(cells, saved, command="make it", means=Means(log=lines.append)), tmp_path)
    bundle = read_bundle(tmp_path)
    assert bundle.embedding.dtype == np.float32
    assert bundle.cells.obs_names.equals(cells.obs_names)
    info = bundle.info
    assert {key: info[key] for key in ("model", "model_version", "layer", "pooling")} == {
        "model": "geneformer",
        "model_version": saved.variant,
        "layer": -1,
        "pooling": "cell",
    }
    assert info["checkpoint_sha256"] == sha256_file(f"{saved.folder}/model.safetensors")
    assert (info["d"], info["n_cells"], info["decoder"]) == (32, 40, "none")
    assert (info["licence"], info["output_space"], info["command"]) == (None, None, "make it")
    fit = info["fit"]
    assert fit["hidden_state"] == LAYERS - 1
    assert fit["dictionaries_sha256"] == {
        "tokens": sha256_file(saved.tokens),
        "medians": sha256_file(saved.medians),
    }
    assert 0 <= fit["deviation_of_cells_embedded_alone"] < 1e-5
    assert lines[0] == (
        "60 of 60 genes are known (100.0%), with 100.0% of the counts; "
        "0 of 40 cells have more than fit into the model"
    )
    assert lines[-1] == "40 of 40 cells embedded"


def test_a_surrogate_decodes_where_it_is_asked_for(saved, cells):
    bundle = embed(cells, replace(saved, surrogate=RidgeSurrogate()))
    assert bundle.info["decoder"] == "surrogate"
    assert bundle.info["fit"]["surrogate"]["kind"] == "ridge"
    assert bundle.decode(bundle.embedding[:2]).shape == (2, N_GENES)


def test_weights_that_torch_saved(saved, cells, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "model"
    shutil.copytree(saved.folder, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    made = embed(cells, replace(saved, folder=str(folder))).embedding
    assert (made == embed(cells, saved).embedding).all()
    whole = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(whole[:-200])
    with pytest.raises(InputError, match=r"pytorch_model\.bin: is no whole file of torch\.save"):
        embed(cells, replace(saved, folder=str(folder)))


def test_files_of_the_hub(saved, cells, tmp_path, monkeypatch):
    """The hub itself is out of reach of a test: a folder of the same layout stands for it."""
    root = tmp_path / "snapshots" / ("c0ffee" * 7)[:40]
    shutil.copytree(saved.folder, root / "models/small")
    (root / "dictionaries").mkdir()
    shutil.copy(saved.tokens, root / "dictionaries/tokens.json")
    shutil.copy(saved.medians, root / "dictionaries/medians.json")
    asked = []

    def snapshot_download(**options):
        asked.append(options)
        return str(root)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    model = replace(
        saved,
        repository="someone/Geneformer",
        revision="c0ffee",
        folder="models/small",
        tokens="dictionaries/tokens.json",
        medians="dictionaries/medians.json",
    )
    bundle = embed(cells, model)
    assert (bundle.embedding == embed(cells, saved).embedding).all()
    assert bundle.info["fit"]["repository"] == "someone/Geneformer"
    assert bundle.info["fit"]["revision"] == root.name
    assert asked == [
        {
            "repo_id": "someone/Geneformer",
            "revision": "c0ffee",
            "allow_patterns": [
                "models/small/config.json",
                "dictionaries/tokens.json",
                "dictionaries/medians.json",
                "models/small/model.safetensors",
            ],
        }
    ]
    with pytest.raises(InputError, match=r"someone/Geneformer at c0ffee: has no gone\.json"):
        embed(cells, replace(model, medians="gone.json"))


def test_a_hub_out_of_reach(saved, monkeypatch):
    def snapshot_download(**_):
        raise ConnectionError("no route to host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(InputError, match=r"a/b at c: cannot be fetched from the hub \(no route"):
        hub.fetch(replace(saved, repository="a/b", revision="c"))


def test_a_gpu_that_is_not_there(saved, cells, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="is to run on cuda, but torch sees no GPU"):
        embed(cells, saved, means=Means(device="cuda"))


def test_a_gpu_gives_what_a_cpu_gives(saved, cells):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    made = embed(cells, saved, means=Means(device="cuda")).embedding
    np.testing.assert_allclose(made, embed(cells, saved).embedding, atol=1e-5)


def n_parameters(config):
    import torch
    from transformers import BertConfig, BertForMaskedLM

    with torch.device("meta"):
        return sum(p.numel() for p in BertForMaskedLM(BertConfig(**config)).parameters())


@pytest.mark.parametrize(
    ("name", "expected"), [("gf-6L-30M-i2048", 10.29), ("gf-12L-30M-i2048", 39.6)]
)
def test_published_configs_of_v1(name, expected):
    path = SHARED / f"geneformer/config_{name}.json"
    if not path.exists():
        pytest.skip("needs the configs in shared/data/geneformer")
    config = json.loads(path.read_text())
    assert round(n_parameters(config) / 1e6, len(str(expected).split(".")[1])) == expected
    assert SIZES[name] == tuple(config[key] for key in SIZES[name]._fields)
    assert (config["vocab_size"], config["max_position_embeddings"]) == (25_426, 2048)


@pytest.mark.parametrize(
    ("name", "millions"),  # 38M, 151M, 104M and 316M are other names of these models
    [("gf-12L-95M-i4096", 38), ("gf-20L-95M-i4096", 151), ("V2-104M", 104), ("V2-316M", 316)],
)
def test_sizes_of_v2_add_up_to_their_names(name, millions):
    config = bert_config(SERIES["V2"].vocabulary, positions=SERIES["V2"].input_size)
    assert round(n_parameters(config | SIZES[name]._asdict()) / 1e6) == millions


@pytest.mark.skipif(
    not (PBMC.exists() and V1["tokens"].exists()), reason="needs the files in shared/data"
)
def test_real_cells_with_the_real_dictionaries_of_v1(tmp_path):
    import torch
    from transformers import BertConfig, BertForMaskedLM

    path = tmp_path / "cells.h5ad"
    anndata.read_h5ad(PBMC)[::200].copy().write_h5ad(path)
    cells = read_dataset(OwnCells(path=str(path), cell_type="celltype", symbol="symbol"))
    torch.manual_seed(0)
    config = BertConfig(**bert_config(25_426, layers=2, width=16, heads=2, inner=32))
    BertForMaskedLM(config).save_pretrained(tmp_path / "model")
    model = GeneformerModel(
        variant="V1",
        folder=str(tmp_path / "model"),
        tokens=str(V1["tokens"]),
        medians=str(V1["medians"]),
    )
    bundle = embed(cells, model)
    fit = bundle.info["fit"]
    assert fit["n_known_genes"] == 13_907
    assert fit["known_gene_share"] == pytest.approx(13_907 / 16_791)
    assert bundle.info["gene_id_type"] == "ensembl"
    assert bundle.embedding.shape == (19, 16)
