"""Embeddings of noise annotate next to nothing, whatever was fitted to the cells.

Two kinds of noise: an embedding that knows nothing of cells whose genes do move together, and an
embedding of counts in which no gene knows of another. Either is decoded by what was fitted to the
same cells.
"""

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from featurelens.dge.config import DgeConfig
from featurelens.dge.tables import iter_bundle_tests
from featurelens.embeddings.bundle import Fitted, make_bundle
from featurelens.embeddings.decoders.config import RidgeSurrogate
from featurelens.embeddings.decoders.kinds.scvi import ScviDecoder
from featurelens.embeddings.embed import embed
from featurelens.embeddings.models.pca.config import PCAModel
from featurelens.embeddings.models.poisson_nmf.config import PoissonNMFModel
from featurelens.embeddings.models.precomputed.config import PrecomputedModel
from featurelens.embeddings.models.scvi.config import ScviModel
from featurelens.enrichment.annotate_bundle import annotate_bundle
from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.term_tests import gene_statistics
from featurelens.genesets.sets import GeneSets

N_CELLS, N_GENES, SIZE, D = 400, 240, 12, 8
GENES = [f"G{number}" for number in range(N_GENES)]
SETS = GeneSets.of(
    (f"set {start // SIZE}", "", tuple(GENES[start : start + SIZE]))
    for start in range(0, N_GENES, SIZE)
)
CONFIG = EnrichmentConfig(
    n_permutations=20, n_control_permutations=2, nulls=("beyond_type", "singly")
)


def cells_of(rng, *, related, loudness=0.0):
    """Counts of genes of falling level; ``related``: every set is a program of its own.

    Gene 0 takes ``loudness`` of the counts of one cell in seven.
    """
    mean = np.sort(rng.gamma(0.8, 1, N_GENES))[::-1] + 0.02
    mean = np.tile(3 * mean, (N_CELLS, 1))
    if related:
        programs = np.exp(rng.normal(0, 0.7, (N_CELLS, N_GENES // SIZE)))
        mean *= np.repeat(programs, SIZE, axis=1)
    counts = rng.poisson(mean)
    counts[:, 0] += 1
    if loudness:
        rest = counts[::7, 1:].sum(axis=1) * rng.uniform(0.8, 1.2, len(counts[::7]))
        counts[::7, 0] = rest * loudness / (1 - loudness)
    relative = counts / counts.sum(axis=1, keepdims=True) * 1e4
    return anndata.AnnData(
        X=sparse.csr_matrix(np.log1p(relative).astype(np.float32)),
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(np.arange(N_CELLS) % 3), "batch": "1"},
            index=[f"c{number}" for number in range(N_CELLS)],
        ),
        var=pd.DataFrame({"symbol": GENES}, index=GENES),
        layers={"counts": sparse.csr_matrix(counts.astype(np.int32))},
    )


def noise_with_surrogate(rng):
    """An embedding drawn at random, and a decoder fitted to cells with programs."""
    cells = cells_of(rng, related=True)
    cells.obsm["X_noise"] = rng.normal(size=(N_CELLS, D)).astype(np.float32)
    return embed(cells, PrecomputedModel(key="X_noise", surrogate=RidgeSurrogate()))


def noise_alone(rng):
    """The same without a decoder."""
    cells = cells_of(rng, related=True)
    cells.obsm["X_noise"] = rng.normal(size=(N_CELLS, D)).astype(np.float32)
    return embed(cells, PrecomputedModel(key="X_noise"))


def pca_of_noise(rng, loudness=0.0):
    cells = cells_of(rng, related=False, loudness=loudness)
    return embed(cells, PCAModel(n_components=D))


def nmf_of_noise(rng, loudness=0.0):
    cells = cells_of(rng, related=False, loudness=loudness)
    return embed(cells, PoissonNMFModel(n_components=D, iterations=40))


def autoencoder_of_noise(rng, *, finished=True):
    """What scVI is without its variance: log counts to z to proportions, by Poisson likelihood.

    Not ``finished``, its bias is still on the way to the mean profile, which the hidden layer
    carries: whatever z does makes all genes of a level move together.
    """
    cells = cells_of(rng, related=False)
    counts = torch.tensor(cells.layers["counts"].toarray(), dtype=torch.float32)
    torch.manual_seed(int(rng.integers(1000)))
    encoder = torch.nn.Sequential(
        torch.nn.Linear(N_GENES, 32), torch.nn.ReLU(), torch.nn.Linear(32, D)
    )
    hidden, scale = torch.nn.Linear(D, 32), torch.nn.Linear(32, N_GENES)
    with torch.no_grad():
        scale.bias.copy_(finished * torch.log(counts.mean(dim=0)))
    parts = [*encoder.parameters(), *hidden.parameters(), *scale.parameters()]
    optimiser = torch.optim.Adam(parts, lr=0.01)
    for _ in range(50):
        z = encoder(torch.log1p(counts))
        log_shares = torch.log_softmax(scale(torch.relu(hidden(z))), dim=1)
        loss = -(counts * log_shares).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    numbers = [part.detach().numpy() for part in (hidden.weight, hidden.bias)]
    decoder = ScviDecoder(
        weights=(numbers[0],),
        biases=(numbers[1],),
        scale_weight=scale.weight.detach().numpy(),
        scale_bias=scale.bias.detach().numpy(),
        theta=np.empty(0, np.float32),
        shares=np.empty(0, np.float32),
    )
    return make_bundle(cells, Fitted(z.detach().numpy(), decoder, {}), ScviModel())


NOISE = {
    "surrogate": (noise_with_surrogate, "decoded"),
    "alone": (noise_alone, "measured"),
    "pca decoded": (pca_of_noise, "decoded"),
    "pca measured": (pca_of_noise, "measured"),
    "nmf decoded": (nmf_of_noise, "decoded"),
    "nmf measured": (nmf_of_noise, "measured"),
    "scvi decoded": (autoencoder_of_noise, "decoded"),
    "scvi measured": (autoencoder_of_noise, "measured"),
}


def summary(bundle, rng, expression, convention="corrected"):
    """Summary of 40 random directions of an embedding, each active in its 5 % to 40 % of cells."""
    z = (bundle.embedding - bundle.embedding.mean(axis=0)) / bundle.embedding.std(axis=0)
    along = z @ rng.normal(size=(z.shape[1], 40))
    bounds = [
        np.quantile(a, share) for a, share in zip(along.T, rng.uniform(0.6, 0.95, 40), strict=True)
    ]
    activations = sparse.csr_matrix(np.maximum(along - bounds, 0))
    dge = DgeConfig(expression=expression, high_percentile=90)
    membership = SETS.membership(GENES, min_genes=3, max_genes=500)
    tests = iter_bundle_tests(bundle, activations, config=dge, convention=convention)
    return annotate_bundle(
        [gene_statistics(pd.concat(list(tests)), membership)],
        bundle,
        activations,
        membership,
        dge_config=dge,
        config=CONFIG,
        convention=convention,
    ).summary.iloc[0]


@pytest.mark.parametrize("kind", NOISE)
def test_noise_annotates_at_most_one_feature_of_twenty_over_ten_seeds(kind):
    make, expression = NOISE[kind]
    shares = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        shares.append(summary(make(rng), rng, expression)["share"])
    assert np.mean(shares) <= 0.05


@pytest.mark.parametrize("expression", ["decoded", "measured"])
@pytest.mark.parametrize("make", [pca_of_noise, nmf_of_noise])
def test_a_loud_gene_in_noise_annotates_nothing_over_ten_seeds(make, expression):
    shares = []
    for seed, loudness in enumerate(np.linspace(0.1, 0.7, 10)):
        rng = np.random.default_rng(seed)
        shares.append(summary(make(rng, loudness), rng, expression)["share"])
    assert np.mean(shares) <= 0.05


def test_published_says_beside_its_share_that_the_fit_explains_it():
    rng = np.random.default_rng(0)
    found = summary(noise_with_surrogate(rng), rng, "decoded", "published")
    assert found["share"] > 0.3
    assert found["share_complete"] > 0.7 * found["share"]
    assert found["verdict"] == "explained by the fit"


def test_what_an_unfinished_network_decodes_of_noise_is_explained_by_the_fit():
    rng = np.random.default_rng(0)
    found = summary(autoencoder_of_noise(rng, finished=False), rng, "decoded")
    assert found["share"] > 0.1
    assert found["share_measured"] < found["share"] / 4
    assert found["share_complete"] < 0.05
    assert found["verdict"] == "explained by the fit"


def test_a_surrogate_of_an_embedding_that_knows_programs_annotates():
    rng = np.random.default_rng(1)
    cells = cells_of(rng, related=True)
    cells.obsm["X_pca"] = embed(cells, PCAModel(n_components=D)).embedding
    bundle = embed(cells, PrecomputedModel(key="X_pca", surrogate=RidgeSurrogate()))
    found = summary(bundle, rng, "decoded")
    assert found["share"] > 0.5
    assert found["verdict"] == "supported"


def test_programs_that_types_are_made_of_are_explained_by_cell_type():
    rng = np.random.default_rng(2)
    cells = cells_of(rng, related=True)
    bundle = embed(cells, PCAModel(n_components=D))
    for expression in ("decoded", "measured"):
        assert summary(bundle, np.random.default_rng(0), expression)["verdict"] == "supported"
    # Types are corners of the same space.
    corner = (bundle.embedding[:, :5] > 0) @ (2 ** np.arange(5))
    bundle.cells.obs["cell_type"] = pd.Categorical(corner.astype(str))
    found = summary(bundle, np.random.default_rng(0), "measured")
    assert found["verdict"] == "explained by cell type"
