"""All features at once against decoding every cell and gene, feature by feature."""

import itertools

import anndata
import numpy as np
import pandas as pd
import pytest

from featurelens.embeddings.bundle import Bundle
from featurelens.embeddings.decoders.kinds.mlp_softmax import MLPSoftmaxDecoder
from featurelens.embeddings.decoders.kinds.pca import PCADecoder
from featurelens.sae.model import SAE
from featurelens.steering.edits import Edit, edit_cells
from featurelens.steering.effects import LARGEST_WEIGHT
from featurelens.steering.screen import screen

N, D, C, GENES, WIDTH = 40, 5, 2, 300, 90
RNG = np.random.default_rng(2)


def normal(*shape):
    return (RNG.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32)


def bundle_of(decoder, n_covariates=0):
    names = [f"cell{row}" for row in range(N)]
    obsm = {"X_emb": normal(N, D) * 3, "X_cov": normal(N, C)}
    cells = anndata.AnnData(
        obs=pd.DataFrame({"library": 1e3}, index=names),
        var=pd.DataFrame(index=[f"g{gene}" for gene in range(GENES)]),
        obsm=obsm,
    )
    return Bundle(cells=cells, decoder=decoder, info={"n_covariates": n_covariates})


def network():
    sizes = [D + C, 20, 15, GENES]
    return MLPSoftmaxDecoder(
        weights=tuple(1.3 * normal(b, a) for a, b in itertools.pairwise(sizes)),
        biases=tuple(normal(b) for b in sizes[1:]),
        r=np.ones(GENES),
        mean_covariate=normal(C),
    )


def sae(k=None):
    W_dec = normal(WIDTH, D)
    return SAE("any", W_dec.T.copy(), normal(WIDTH), W_dec, normal(D), k=k)


def typical(effect, shares):
    weight = np.minimum(shares, LARGEST_WEIGHT)
    order = np.argsort(effect)
    return effect[order][np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)]


@pytest.mark.parametrize("operation", ["set", "add", "ablate"])
def test_the_short_way_through_a_softmax_is_exact(operation):
    bundle, model, values = bundle_of(network(), C), sae(k=20), RNG.uniform(1, 3, WIDTH)
    rows = np.arange(3, 33)
    features = [7, *range(20, 90)]  # more than a block
    blocks = list(screen(model, bundle, rows, values, features=features, operation=operation))
    assert np.concatenate([block.features for block in blocks]).tolist() == features
    found = np.concatenate([block.log2_fold for block in blocks])
    X = bundle.embedding[rows]
    before = bundle.decode(X, rows=rows, library=1).astype(np.float64)
    for number, effect in zip(features, found, strict=True):
        edited = edit_cells(model, X, [Edit(number, operation, values[number])])
        after = bundle.decode(edited.after, rows=rows, library=1).astype(np.float64)
        ratio = np.log(after / before).mean(axis=0)
        ratio -= typical(ratio, before.mean(axis=0))
        geometric = np.exp(np.log(before).mean(axis=0))
        expected = np.log2((geometric * np.exp(ratio) + 1e-5) / (geometric + 1e-5))
        np.testing.assert_allclose(effect, expected, atol=2e-5)
    assert np.abs(found).max() > 0.5


def test_other_decoders_are_evaluated_gene_by_gene():
    decoder = PCADecoder(components=0.3 * normal(D, GENES), mean=np.ones(GENES, dtype=np.float32))
    bundle, model, values = bundle_of(decoder), sae(), RNG.uniform(1, 3, WIDTH)
    rows = np.arange(N)
    [block] = screen(model, bundle, rows, values, features=[4, 9])
    before = bundle.decode(bundle.embedding, library=1).astype(np.float64)
    after = bundle.decode(
        edit_cells(model, bundle.embedding, [Edit(9, "set", values[9])]).after, library=1
    ).astype(np.float64)
    ratio = np.log2((after + 1e-5) / (before + 1e-5)).mean(axis=0)
    ratio -= typical(ratio, before.mean(axis=0))
    np.testing.assert_allclose(block.log2_fold[1], ratio, atol=1e-4)


def test_threads_change_nothing():
    bundle, model, values = bundle_of(network(), C), sae(), RNG.uniform(1, 3, WIDTH)
    runs = [
        np.concatenate(
            [
                block.log2_fold
                for block in screen(
                    model, bundle, np.arange(N), values, features=range(WIDTH), threads=threads
                )
            ]
        )
        for threads in (1, 3)
    ]
    np.testing.assert_array_equal(*runs)
