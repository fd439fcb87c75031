"""Two SAEs by their terms: chance, identity, the author's brute force and numbers by pencil."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from scipy.spatial.distance import cdist

from featurelens.concepts.comparison import (
    Pair,
    compare_concepts,
    floor_of,
    jaccard,
    pairs_of,
    similarity,
)
from featurelens.concepts.config import ConceptConfig
from featurelens.concepts.space import kept_terms
from figure_inputs import enrichment

FEATURES = [str(number) for number in range(60)]
DRAWS = ConceptConfig(n_draws=3)


def csr(dense):
    return sparse.csr_matrix(np.asarray(dense, dtype=np.float32))


def kept(pairs):
    """Annotations of the given (feature, term) pairs under the corrected convention."""
    table = pd.DataFrame(pairs, columns=["feature", "term"])
    table = table.assign(category="family", direction="up", kept_fdr=True)
    return kept_terms({"corrected": table}, FEATURES)


def published(seed):
    return kept_terms({"published": enrichment("published", seed=seed)}, FEATURES)


def brute_force(left, right):
    """Best mean Jaccard over all one-to-one matchings of the smaller side."""
    index = 1 - cdist(left.astype(bool), right.astype(bool), "jaccard")
    index = index.T if len(index) > index.shape[1] else index
    orders = itertools.permutations(range(index.shape[1]), len(index))
    return max(index[range(len(index)), order].mean() for order in orders)


@pytest.mark.parametrize("seed", range(4))
def test_similarity_is_the_best_of_all_matchings(seed):
    rng = np.random.default_rng(seed)
    left = rng.random((3 + seed % 2, 6)) < 0.5
    right = rng.random((5 - seed % 2, 6)) < 0.5
    left[:, 0] = right[:, 0] = True  # scipy and the author disagree on two empty rows only
    for convention in ("published", "corrected"):
        found = similarity(csr(left), csr(right), convention)
        assert found == pytest.approx(brute_force(left, right))


def test_features_without_terms_are_alike_as_published_and_left_out_as_corrected():
    left, right = csr([[1, 1, 0], [0, 0, 0]]), csr([[1, 0, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(jaccard(left, right), [[1 / 2, 0, 0], [0, 1, 1]])
    assert similarity(left, right, "published") == pytest.approx((1 / 2 + 1) / 2)
    assert similarity(left, right, "corrected") == pytest.approx(1 / 2)
    assert np.isnan(similarity(csr(np.zeros((2, 3))), right, "corrected"))
    assert np.isnan(similarity(csr(np.zeros((0, 3))), right, "published"))


def clustered(rng, n_features, n_terms=60, n_profiles=4):
    """Features that copy one of a few profiles of terms, with errors."""
    profiles = rng.random((n_profiles, n_terms)) < 0.25
    rows = profiles[rng.integers(0, n_profiles, n_features)]
    return csr(rows ^ (rng.random(rows.shape) < 0.03))


def test_the_floor_of_independent_matrices_is_their_similarity():
    rng = np.random.default_rng(2)
    popular = rng.random(60) ** 2  # some terms are frequent, so chance is well above zero
    left, right = (csr(rng.random((n, 60)) < popular) for n in (50, 40))
    mean, sd = floor_of(left, right, "corrected", n_draws=20, seed=0)
    assert abs(similarity(left, right, "corrected") - mean) < 3 * sd
    assert 0.3 < mean < 0.7


def test_two_seeds_of_one_structure_lie_far_above_their_floor():
    left = clustered(np.random.default_rng(3), 50)
    right = csr(left.toarray()[::-1])
    mean, sd = floor_of(left, right, "corrected", n_draws=5, seed=0)
    assert similarity(left, right, "corrected") == 1
    assert mean < 0.8
    assert sd < 0.02


def test_one_seed_gives_one_floor():
    rng = np.random.default_rng(4)
    left, right = clustered(rng, 20), clustered(rng, 25)
    one, other = (floor_of(left, right, "published", n_draws=3, seed=9) for _ in range(2))
    assert one == other


def test_pairs_are_models_of_one_dataset_and_seeds_of_one_sae():
    names = [
        f"{dataset}/{model}/{sae}/go"
        for dataset in ("blood", "marrow")
        for model in ("nmf", "pca")
        for sae in ("topk", "topk.seed1", "topk.untrained")
    ]
    assert pairs_of(names) == [
        *(
            Pair("embeddings", f"{dataset}/nmf/topk/go", f"{dataset}/pca/topk/go")
            for dataset in ("blood", "marrow")
        ),
        *(
            Pair("seeds", f"{dataset}/{model}/topk/go", f"{dataset}/{model}/topk.seed1/go")
            for dataset in ("blood", "marrow")
            for model in ("nmf", "pca")
        ),
    ]
    assert pairs_of(["d/nmf/topk/go", "d/pca/topk/hallmark", "d/pca/relu/go"]) == []


def test_saes_of_the_config_that_differ_by_their_seed_are_seeds_of_one_model():
    names = [f"d/{model}/{sae}/go" for model in ("nmf", "pca") for sae in ("seed0", "seed42")]
    assert pairs_of(names, {"seed0": "seed0", "seed42": "seed0"}) == [
        Pair("embeddings", "d/nmf/seed0/go", "d/pca/seed0/go"),
        Pair("seeds", "d/nmf/seed0/go", "d/nmf/seed42/go"),
        Pair("seeds", "d/pca/seed0/go", "d/pca/seed42/go"),
    ]
    # without kinship they are two SAEs, each on two models
    assert pairs_of(names) == [
        Pair("embeddings", "d/nmf/seed0/go", "d/pca/seed0/go"),
        Pair("embeddings", "d/nmf/seed42/go", "d/pca/seed42/go"),
    ]


def test_an_sae_compared_with_itself():
    table = kept([("0", "a"), ("1", "a"), ("1", "b"), ("2", "c"), ("2", "d")])
    compared = compare_concepts({"d/x/s/go": table, "d/y/s/go": table}, DRAWS)
    row = compared.set_index("filter").loc["kept_fdr"]
    assert row["similarity"] == row["share_shared"] == 1
    assert (row["n_shared"], row["n_features_left"], row["position"]) == (4, 3, 1)
    assert row["pearson"] == pytest.approx(1)
    assert row["floor"] < 1
    assert np.isnan(row["ceiling"])
    assert np.isnan(row["scaled"])
    # nothing was kept under the published filters, so nothing can be compared
    assert compared[["similarity", "floor", "pearson"]].iloc[:2].isna().all().all()


def test_the_ceiling_is_the_mean_over_the_seeds_of_both_models():
    one = kept([("0", "a"), ("1", "b"), ("2", "a"), ("2", "b")])
    other = kept([("0", "a"), ("1", "b"), ("2", "b"), ("2", "c")])
    swapped = kept([("3", "a"), ("4", "b"), ("5", "a"), ("5", "b")])
    names = ["d/x/s/go", "d/x/s.seed1/go", "d/y/s/go", "d/y/s.seed1/go"]
    tables = dict(zip(names, (one, swapped, other, other), strict=True))
    compared = compare_concepts(tables, DRAWS).query("filter == 'kept_fdr'")
    assert compared["comparison"].tolist() == ["embeddings", "seeds", "seeds"]
    assert compared["similarity"].tolist()[1:] == [1, 1]
    row, seeds = compared.iloc[0], compared.iloc[1:]
    assert row["ceiling"] == row["ceiling_above_floor"] == 1
    assert row["ceiling_floor"] == pytest.approx(seeds["floor"].mean())
    # shared terms a and b: a-a 1, b-b 1, and {a, b} with {b} 1/2
    assert row["similarity"] == pytest.approx(2.5 / 3)
    assert row["above_floor"] == pytest.approx((2.5 / 3 - row["floor"]) / (1 - row["floor"]))
    assert row["scaled"] == pytest.approx(row["above_floor"])
    assert seeds[["ceiling", "scaled"]].isna().all().all()


def test_counts_of_shared_terms_agree_with_scipy():
    tables = [enrichment("published", seed=seed) for seed in (5, 8)]
    compared = compare_concepts({"d/x/s/go": published(5), "d/y/s/go": published(8)}, DRAWS)
    counts = [
        table[table["kept_published_05"]].groupby("term")["feature"].nunique() for table in tables
    ]
    shared = sorted(set(counts[0].index) & set(counts[1].index))
    a, b = counts[0][shared], counts[1][shared]
    row = compared.set_index("filter").loc["kept_published_05"]
    assert row["spearman"] == pytest.approx(stats.spearmanr(a, b).statistic)
    assert row["pearson"] == pytest.approx(stats.pearsonr(a, b).statistic)


def test_one_sae_alone_is_compared_with_nothing():
    compared = compare_concepts({"d/x/s/go": published(5)}, DRAWS)
    assert compared.empty
    assert {"comparison", "similarity", "floor", "ceiling", "scaled"} <= set(compared.columns)
