"""Small work of every kind that a run does, as checksums: a line a piece, name and sixteen digits.

    python pieces.py [PIECE...]

What makes a processor's results its own is in the libraries below; each piece goes through one of
them by the door that a run takes.
"""

import hashlib
import sys

import featurelens  # noqa: F401  (it pins what the libraries choose when they load)

# isort: split
import numpy as np
from scipy import sparse

PIECES = {}


def piece(function):
    """Know a piece by the name of its function."""
    PIECES[function.__name__] = function
    return function


def drawn(n, d, dtype=np.float32, seed=0):
    """Correlated columns of values that are no sums of powers of two."""
    rng = np.random.default_rng(seed)
    mixed = (rng.integers(-20, 20, (n, d)) / 8) @ (rng.integers(-20, 20, (d, d)) / 16)
    return (mixed / 7 + 0.3).astype(dtype)


def counts_of(n_cells, n_genes, seed=0):
    """Poisson counts of two programs."""
    rng = np.random.default_rng(seed)
    level = rng.integers(1, 20, (n_cells, 2)) / 10
    return rng.poisson(level @ (rng.integers(1, 20, (2, n_genes)) / 20)).astype(np.float64)


def trained(architecture, engine="auto"):
    """Weights of an SAE."""
    from featurelens.sae.config import SAEConfig
    from featurelens.sae.training import train

    config = SAEConfig(
        architecture=architecture, expansion=6, k=5, l1=1e-2, epochs=8, batch_size=96
    )
    [found] = train(drawn(500, 10), [config], engine=engine)
    return [found.sae.W_enc, found.sae.b_enc, found.sae.W_dec, found.sae.b_dec]


@piece
def fused_topk():
    return trained("topk", "fused")


@piece
def fused_relu():
    return trained("relu", "fused")


@piece
def torch_engine():
    return trained("relu", "stacked")


@piece
def autograd_engine():
    return trained("gated", "autograd")


@piece
def group_tests():
    from featurelens.dge.cell_sets import split_cells
    from featurelens.dge.config import DgeConfig
    from featurelens.dge.gene_tests import test_genes
    from featurelens.dge.layout import prepare_expression

    activations = sparse.csc_matrix(np.maximum(drawn(400, 12), 0))
    config = DgeConfig()
    found = {}
    for convention in ("published", "corrected"):
        sets = split_cells(activations, config=config, convention=convention)
        prepared = prepare_expression(np.log1p(counts_of(400, 100)))
        tests = test_genes(sets, prepared, config=config, convention=convention)
        found |= {f"{convention} {name}": getattr(tests, name) for name in ("t", "p", "q")}
    return found


@piece
def poisson_nmf():
    from featurelens.embeddings.models.poisson_nmf.fit import factorise, random_start

    counts = sparse.csr_matrix(counts_of(300, 120))
    start = random_start(counts, 6, np.random.default_rng(0))
    return factorise(counts, *start, iterations=20)


@piece
def umap():
    from featurelens.concepts.layout import PUBLISHED_CODE, lay_out

    return lay_out(sparse.csr_matrix((counts_of(120, 60) > 1).astype(np.float32)), PUBLISHED_CODE)[
        0
    ]


@piece
def tsne():
    from sklearn.manifold import TSNE

    model = TSNE(perplexity=10, max_iter=300, init="pca", random_state=0, n_jobs=1)
    return model.fit_transform(drawn(150, 8))


@piece
def decompositions():
    from sklearn.decomposition import NMF, PCA, FastICA

    counts = counts_of(300, 60)
    return [
        PCA(8, svd_solver="arpack", random_state=0).fit_transform(sparse.csr_matrix(counts)),
        FastICA(6, random_state=0, whiten="unit-variance").fit_transform(drawn(400, 12)),
        NMF(6, random_state=0, max_iter=60, tol=0).fit_transform(counts),
    ]


@piece
def probes():
    from featurelens.recovery.linear_probes import fit_ridge, ridge_r2

    X, targets = drawn(600, 30, np.float64), drawn(600, 5, np.float64, seed=1)
    held_out = np.arange(600) % 4 == 0
    return [fit_ridge(X, targets).coefficients, ridge_r2(X, targets, held_out)]


@piece
def gradient_probe():
    from featurelens.means import ALONE
    from featurelens.recovery.gradient_probe import gradient_r2

    held_out = np.arange(600) % 4 == 0
    X, targets = drawn(600, 20), drawn(600, 90, seed=1)
    return [gradient_r2(X, targets, held_out, epochs=9, seed=0, means=ALONE)]


@piece
def autoencoder():
    from featurelens.autoencoder.config import AutoencoderConfig
    from featurelens.autoencoder.training import train

    config = AutoencoderConfig(latent=6, epochs=12, learning_rate=1e-3)
    found = train(drawn(900, 80), np.arange(900) % 5 == 0, config)
    return {**found.weights, "history": found.history.to_numpy()}


@piece
def draws():
    import torch

    generator = torch.Generator().manual_seed(0)
    rng = np.random.default_rng(0)
    return [
        torch.poisson(torch.full((5000,), 2.0), generator=generator).numpy(),
        torch.randn(5000, generator=generator).numpy(),
        rng.standard_normal(5000),
        rng.gamma(2, 1, 5000),
        rng.poisson(3, 5000),
    ]


@piece
def numpy_functions():
    X = drawn(700, 40).ravel()
    wide = X.astype(np.float64)
    functions = (np.exp, np.log, np.log1p, np.log2, np.tanh, np.sqrt)
    with np.errstate(all="ignore"):
        return [f(part) for part in (X, wide) for f in functions] + [np.power(np.abs(wide), 1.7)]


@piece
def numpy_sums():
    X = drawn(700, 40)
    wide = X.astype(np.float64)
    return [f(p, axis=a) for p in (X, wide) for f in (np.sum, np.var) for a in (None, 0, 1)] + [
        np.einsum("ij,kj->ik", X[:50], X[:60]),
        X.mean(dtype=np.float64),
    ]


@piece
def numpy_order():
    """Not of single precision: QEMU 7.2 leaves what AVX2 sorts there out of order."""
    X = np.round(drawn(700, 40, np.float64).ravel())
    return [np.argsort(X), np.argpartition(X, 500), np.argsort(X.astype(np.int64))]


@piece
def numpy_products():
    X, wide = drawn(700, 40), drawn(700, 40, np.float64)
    return [X.T @ X, wide.T @ wide, wide @ wide[0], wide.ravel() @ wide.ravel(), X @ X[0]]


@piece
def scipy_functions():
    from scipy import special, stats

    x = np.abs(drawn(400, 10, np.float64)) + 0.1
    return [
        special.gammaln(x),
        special.ndtr(x),
        special.xlogy(x, x),
        stats.t.sf(x, 7.5),
        stats.norm.isf(np.clip(x / 100, 1e-6, 0.5)),
        np.linalg.svd(x)[1],
        np.linalg.eigh(x.T @ x)[1],
    ]


@piece
def torch_functions():
    import torch

    x = torch.from_numpy(drawn(700, 40))
    y = x.double()
    return [
        part.numpy()
        for part in (
            *(x.sum(), x.sum(0), x.sum(1), x.exp(), x.tanh(), x.std(0), x.square().mean()),
            *(y.sum(), y.sum(0), y.exp(), torch.logsumexp(y, 1), torch.topk(x, 5)[1]),
        )
    ]


@piece
def torch_products():
    import torch

    x = torch.from_numpy(drawn(700, 40))
    b = x[:100].reshape(4, 25, 40)
    products = (x.T @ x, x @ x[0], torch.addmm(x[:40, :40], x.T, x), torch.bmm(b, b.mT))
    return [part.numpy() for part in (*products, x.double().T @ x.double())]


def digest(content):
    """Sixteen digits of arrays, in their order, or of a mapping of arrays."""
    if isinstance(content, np.ndarray):
        content = [content]
    named = content.items() if isinstance(content, dict) else enumerate(content)
    found = hashlib.sha256()
    for name, array in named:
        array = np.ascontiguousarray(array)
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


if __name__ == "__main__":
    for name in sys.argv[1:] or PIECES:
        sys.stdout.write(f"{name}\t{digest(PIECES[name]())}\n")
        sys.stdout.flush()
