"""Material of an atlas that is made up, of any size, and written as a run writes it."""

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from featurelens.atlas.material import Collection, Material
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.io import write_tables


def made_material(
    folder, *, n_cells=60, n_features=23, n_genes=40, n_terms=12, active=6, types=None, names=None,
    genes_each=None, terms_each=None, seed=0,
):  # fmt: skip
    """Random features of random cells; every number is drawn, none is computed from another.

    ``active`` features a cell; ``names`` replaces genes, terms and types by their kind; of many
    genes and terms, as many are tested in each feature as ``genes_each`` and ``terms_each`` say.
    """
    rng = np.random.default_rng(seed)
    names = names or {}
    types = names.get("types") or [f"type {number}" for number in range(types or 4)]
    genes = names.get("genes") or [f"GENE{number}" for number in range(n_genes)]
    terms = names.get("terms") or [f"term {number}" for number in range(n_terms)]
    width = n_features // active
    columns = np.arange(active) * width + rng.integers(width, size=(n_cells, active))
    values = rng.gamma(2.0, 1.0, columns.size).astype(np.float32)
    starts = np.arange(0, columns.size + 1, active)
    activations = sparse.csr_matrix((values, columns.ravel(), starts), shape=(n_cells, n_features))
    activations.data[activations.indices == n_features - 1] = 0  # the last one is dead
    activations.eliminate_zeros()
    embedding = rng.normal(size=(n_cells, 5)).astype(np.float32)
    codes = np.concatenate([np.arange(len(types)), rng.integers(len(types), size=n_cells)])
    cells = anndata.AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical.from_codes(codes[:n_cells], types)},
            index=[f"cell {number}" for number in range(n_cells)],
        ),
        obsm={"X_emb": embedding},
    )
    features = describe_features(activations, cells, FeatureConfig())
    live = np.flatnonzero(features.var["n_active"])[: n_features - 1]
    tests = {
        test: write_genes(folder / f"{test}.parquet", live, genes, rng, each=genes_each)
        for test in ("global_corrected", "within_type_corrected")
    }
    path = lambda test: folder / f"terms_{test}.parquet"  # noqa: E731
    kept = {
        test: write_terms(path(test), test, live, terms, rng, each=terms_each)
        for test in ("global_corrected", "global_published", "within_type_corrected")
    }
    sizes = pd.DataFrame({"term": terms, "n_genes": rng.integers(3, 300, len(terms))})
    return Material(
        name="made/up/topk",
        run="made",
        features=features,
        genes=pd.DataFrame(
            {"symbol": genes, "ensembl": [f"ENSG{10**10 + i}" for i in range(len(genes))]}, genes
        ),
        dge=tests,
        collections={"sets": Collection(tests=kept, terms=sizes)},
        umap=rng.normal(size=(n_cells, 2)),
        directions=rng.normal(size=(n_features, 5)).astype(np.float32),
        lacking={"gsea": "GSEA: not made."},
    )


def chosen(n, each, features, rng):
    """Which of n things are tested in each feature: all, or as many as each says."""
    if each is None:
        return np.tile(np.arange(n), len(features))
    return np.sort(
        rng.integers(n - each + 1, size=(len(features), each)), axis=1
    ).ravel() + np.tile(np.arange(each), len(features))


def write_genes(path, features, genes, rng, *, each=None, at_once=50):
    """Tests of genes in every feature; about half of them are significant."""

    def part(numbers):
        of = chosen(len(genes), each, numbers, rng)
        n = len(of)
        return pd.DataFrame(
            {
                "feature": np.repeat(numbers, n // len(numbers)).astype(str),
                "gene": pd.Categorical.from_codes(of, genes),
                "log2_fold": rng.normal(size=n),
                "t": rng.normal(scale=4, size=n),
                "df": rng.integers(10, 90, n).astype(float),
                "q": rng.random(n) ** 4,
                "n_high": 30,
                "n_low": 200,
            }
        )

    blocks = [features[start : start + at_once] for start in range(0, len(features), at_once)]
    write_tables(map(part, blocks), path)
    return path


def write_terms(path, test, features, terms, rng, *, each=None, share=0.2):
    """Tests of gene sets; a share of them is kept, and the others are there as well."""
    of = chosen(len(terms), each, features, rng)
    n = len(of)
    kept = rng.random(n) < share
    published = test.endswith("published")
    table = pd.DataFrame(
        {
            "feature": np.repeat(features, n // len(features)).astype(str),
            "term": pd.Categorical.from_codes(of, terms),
            "category": "made up",
            "direction": rng.choice(["+", "-"] if published else ["up", "down"], n),
            "q": np.where(kept, 0.05 * rng.random(n), rng.random(n)),
            "effect": rng.random(n),
            "fold": 3 * rng.random(n),
            "n_hits": rng.integers(0, 20, n),
            "n_term": of % 300 + 3,
            "p_binomial": rng.random(n),
            "p_mannwhitney": rng.random(n),
            "kept_fdr": kept & (not published),
            "kept_published_05": kept & published,
            "kept_published_figures": kept & published & (rng.random(n) < 0.5),
        }
    )
    table.to_parquet(path, index=False)
    return path
