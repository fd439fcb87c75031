"""Whether features with like terms belong to the same cell types."""

import numpy as np
import pytest
from scipy import sparse

from featurelens.concepts.neighbours import agreement

BLOCKS = np.repeat([0, 1, 2], 4)
"""Three groups of four features; those of a group carry the same terms, and no other group's."""
CARRIED = sparse.csr_matrix(np.repeat(BLOCKS[:, None] == np.arange(3), 5, axis=1).astype(float))


def test_types_that_follow_the_terms_agree_and_those_across_them_do_not():
    along = agreement(CARRIED, [f"type{block}" for block in BLOCKS], n_neighbours=3)
    assert along["same_type"] == 1
    assert along["agreement"] == 1
    # Of the 11 other features 3 have the type of a feature.
    assert along["by_chance"] == pytest.approx(3 / 11, abs=0.02)
    across = agreement(CARRIED, ["a", "b", "c", "d"] * 3, n_neighbours=3)
    assert across["same_type"] == 0
    # Of the 11 others 2 have its type.
    assert across["agreement"] == pytest.approx(-(2 / 11) / (9 / 11), abs=0.03)
    assert across["agreement"] < along["null_high"] < 1


def test_types_at_random_exceed_the_null_in_one_draw_of_twenty():
    rng = np.random.default_rng(1)
    carried = sparse.csr_matrix((rng.random((60, 30)) < 0.2).astype(float))
    above = [
        found["agreement"] > found["null_high"]
        for found in (
            agreement(carried, rng.permutation(["a", "b", "c"] * 20), seed=seed, n_shuffles=60)
            for seed in range(100)
        )
    ]
    assert 0.0 < np.mean(above) < 0.12


def test_too_few_features_or_one_type_have_no_agreement():
    few = agreement(CARRIED[:3], ["a", "b", "a"], n_neighbours=3)
    assert few["n_features"] == 3
    assert np.isnan(few["agreement"])
    assert np.isnan(agreement(CARRIED, ["a"] * 12, n_neighbours=3)["agreement"])
