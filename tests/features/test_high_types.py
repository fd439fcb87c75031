"""The corrected locality: by pencil, by counting orders, the same for more of the same cells."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from featurelens.features.breadth import type_entropy
from featurelens.features.config import FeatureConfig
from featurelens.features.describe import describe_features
from featurelens.features.high_types import distinct_cells, high_types, shuffled


def judged(dense, types, *, embedding=None, batch=None, **options):
    """What the rule says of dense activations, in cells that all differ."""
    dense = np.asarray(dense, dtype=np.float32)
    names, codes = np.unique(types, return_inverse=True)
    strata = np.zeros(len(types), int) if batch is None else np.asarray(batch)
    cells = np.arange(len(types))[:, None] if embedding is None else embedding
    return high_types(
        sparse.csr_matrix(dense),
        codes,
        n_types=len(names),
        distinct=distinct_cells(cells, codes, strata),
        strata=strata,
        config=FeatureConfig(**options),
    )


def described(dense, types, embedding, **options):
    """Table of features."""
    cells = AnnData(
        obs=pd.DataFrame(
            {"cell_type": pd.Categorical(types.astype(str))}, index=map(str, range(len(types)))
        ),
        obsm={"X_emb": embedding},
    )
    codes = sparse.csr_matrix(dense.astype(np.float32))
    return describe_features(codes, cells, FeatureConfig(**options)).var


def planted(n_each, seed, *, n_features=60, n_types=8):
    """Features of a top type, a runner-up at a quarter of it, and a background in the others."""
    rng = np.random.default_rng(seed)
    means = np.full((n_types, n_features), 0.05)
    top = np.arange(n_features) % n_types
    means[top, np.arange(n_features)] = 1.0
    means[(top + 1) % n_types, np.arange(n_features)] = 0.25
    types = np.repeat(np.arange(n_types), n_each)
    return rng.exponential(means[types]) * (rng.random((len(types), n_features)) < 0.9), types


def test_types_are_high_from_half_of_the_top_on():
    """Means 4, 1, 1, 1: local. 4, 3, 1, 1: regional. 4, 3, 3, 1: three of four are more than half.

    4, 2, 1, 1: half of the top is high as well.
    """
    means = np.array([[4, 1, 1, 1], [4, 3, 1, 1], [4, 3, 3, 1], [4, 2, 1, 1], [0, 0, 0, 0]])
    types = np.repeat(np.arange(4), 30)
    noise = np.tile([0.75, 1.25], 60)[:, None]  # of exact halves, so that means stay what they are
    found = judged(means.T[types] * noise, types)
    assert found.locality.tolist() == ["local", "regional", "global", "regional", "dead"]
    assert found.high.sum(axis=0).tolist() == [1, 2, 3, 2, 0]
    np.testing.assert_allclose(found.runner_up, [0.25, 0.75, 0.75, 0.5, np.nan], rtol=1e-5)


def test_a_type_is_held_against_the_largest_of_shuffled_labels():
    """Three cells of a have 1, three of b none: 2 of 20 ways to divide them are as far apart."""
    dense = np.array([[1, 1, 1, 0, 0, 0]]).T
    found = judged(dense, list("aaabbb"), min_type_cells=3, n_shuffles=2000)
    assert found.q[0] == pytest.approx(0.1, abs=0.02)
    # Mean 1/2, deviation 1/2; a mean of three of six has error 1/2 sqrt(3 / (3 * 5)).
    assert found.z[:, 0].tolist() == pytest.approx([np.sqrt(5), -np.sqrt(5)])


def test_labels_are_shuffled_within_batches():
    """Type and batch are one: within a batch nothing can change places, and nothing stands out."""
    dense = np.repeat([[1.0], [0.0]], 20, axis=0) + np.tile([[0.0], [0.1]], (20, 1))
    types, batch = np.repeat(["a", "b"], 20), np.repeat([0, 1], 20)
    assert judged(dense, types).locality.tolist() == ["local"]
    assert judged(dense, types, batch=batch).locality.tolist() == ["global"]
    codes = np.array([0, 0, 1, 0, 1, 1])
    strata = np.array([0, 1, 0, 1, 1, 0])
    moved = shuffled(codes, strata, np.random.default_rng(0))
    for stratum in (0, 1):
        assert sorted(moved[strata == stratum]) == sorted(codes[strata == stratum])


def test_types_of_too_few_cells_are_not_looked_at():
    """A doublet of mean 9 is neither top nor runner-up."""
    dense = np.r_[np.ones(20), np.zeros(20), [9]] + np.tile([0, 0.1], 21)[:41]
    found = judged(dense[:, None], np.repeat(["a", "b", "doublet"], [20, 20, 1]))
    assert found.locality.tolist() == ["local"]
    assert found.high[:, 0].tolist() == [True, False, False]
    assert np.isnan(found.z[2, 0])


@pytest.mark.parametrize("times", [2, 5])
def test_nothing_changes_when_the_same_cells_are_given_again(times):
    """Of features of any kind, in few cells, where tests are near their bounds."""
    rng = np.random.default_rng(3)
    types = rng.integers(0, 6, 90)
    dense = rng.exponential(rng.gamma(1, 1, (6, 200))[types]) * (rng.random((90, 200)) < 0.3)
    embedding = rng.normal(size=(90, 4)).astype(np.float32)
    once = described(dense, types, embedding)
    again = described(
        np.tile(dense, (times, 1)), np.tile(types, times), np.tile(embedding, (times, 1))
    )
    assert once["type"].nunique() == 3
    assert again["type"].tolist() == once["type"].tolist()
    np.testing.assert_allclose(again["q_locality"], once["q_locality"])
    assert (again["type_published"] != once["type_published"]).mean() > 0.1


def test_thinning_leaves_local_features_local():
    """A runner-up at a quarter of the top becomes significant once there are cells enough."""
    local = {}
    for n_each in (60, 240, 960):
        dense, types = planted(n_each, seed=n_each)
        embedding = np.random.default_rng(0).normal(size=(len(types), 3))
        var = described(dense, types, embedding, n_shuffles=39)
        local[n_each] = [(var[name] == "local").mean() for name in ("type", "type_published")]
    corrected, published = np.transpose(list(local.values()))
    assert corrected.min() > 0.95
    assert published[0] > 0.8
    assert published[-1] < 0.1


def test_shuffled_labels_have_no_local_features():
    dense, types = planted(50, seed=1)
    found = judged(dense, types)
    assert (found.locality == "local").mean() > 0.9
    assert (found.shuffled == "global").mean() > 0.9


def test_distinct_cells_do_not_depend_on_the_order():
    rng = np.random.default_rng(0)
    embedding = rng.integers(0, 3, (40, 2)).astype(float)
    codes, strata = rng.integers(0, 2, 40), rng.integers(0, 2, 40)
    order = rng.permutation(40)
    first = distinct_cells(embedding, codes, strata)
    second = order[distinct_cells(embedding[order], codes[order], strata[order])]
    table = np.column_stack([embedding, codes, strata])
    np.testing.assert_array_equal(table[first], table[second])
    assert len(first) == len({tuple(row) for row in table})


def test_entropy_is_of_the_shares_of_mean_activation():
    """Shares 1/2, 1/4, 1/4: 1.5 bits."""
    np.testing.assert_allclose(type_entropy(np.array([[4.0, 2, 2], [1, 1, 0]])), [1.5, 1.0])
