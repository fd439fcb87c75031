"""Random matrices with given margins: the margins hold, and every such matrix is as likely."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from featurelens.stats.margins import pack, randomise_margins, trade, unpack


@st.composite
def binary(draw):
    shape = draw(st.integers(0, 8)), draw(st.integers(1, 8))
    flat = draw(st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return np.array(flat, dtype=np.float32).reshape(shape)


@given(binary(), st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_both_margins_are_kept_and_entries_stay_zero_or_one(dense, seed):
    before = sparse.csr_matrix(dense)
    after = randomise_margins(before, np.random.default_rng(seed), rounds=3)
    assert after.has_canonical_format
    shuffled = after.toarray()
    assert set(np.unique(shuffled)) <= {0, 1}
    np.testing.assert_array_equal(shuffled.sum(axis=0), dense.sum(axis=0))
    np.testing.assert_array_equal(shuffled.sum(axis=1), dense.sum(axis=1))
    np.testing.assert_array_equal(before.toarray(), dense)


def test_every_matrix_with_these_margins_is_as_likely():
    start = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float32)
    # The single one of the last row may take the column of two: the other one of that column stands
    # in either row, which has 3 columns to choose from, 2 x 3. Or it takes one of the 3 others: the
    # first column is then in both other rows and the last two columns are dealt, 3 x 2.
    rng = np.random.default_rng(0)
    drawn = Counter(
        randomise_margins(sparse.csr_matrix(start), rng, rounds=12).toarray().astype(int).tobytes()
        for _ in range(600)
    )
    assert len(drawn) == 12
    assert stats.chisquare(list(drawn.values())).pvalue > 0.001


@pytest.mark.parametrize("dense", [np.ones((4, 3)), np.zeros((4, 3)), np.eye(1)])
def test_a_matrix_without_a_choice_stays(dense):
    same = randomise_margins(sparse.csr_matrix(dense), np.random.default_rng(0))
    np.testing.assert_array_equal(same.toarray(), dense)


def test_one_seed_gives_one_matrix():
    dense = np.random.default_rng(3).random((30, 20)) < 0.3
    matrix = sparse.csr_matrix(dense.astype(np.float32))
    one, other = (randomise_margins(matrix, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.toarray(), other.toarray())
    assert (one != matrix).nnz > 0


@pytest.mark.parametrize("n_columns", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("density", [0.02, 0.5, 0.99])
def test_packed_rows_of_any_width_and_density(n_columns, density):
    dense = np.random.default_rng(n_columns).random((31, n_columns)) < density
    bits = pack(dense)
    np.testing.assert_array_equal(unpack(bits, n_columns), dense)
    trade(bits, np.random.default_rng(0), rounds=5)
    shuffled = unpack(bits, n_columns)
    np.testing.assert_array_equal(shuffled.sum(axis=0), dense.sum(axis=0))
    np.testing.assert_array_equal(shuffled.sum(axis=1), dense.sum(axis=1))
    assert not np.unpackbits(bits.view(np.uint8), axis=1)[:, n_columns:].any()


def test_every_dense_matrix_with_these_margins_is_as_likely():
    """All 4 x 4 matrices with these margins, found by trying every one of 2^16."""
    start = np.array([[1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 1], [0, 1, 1, 0]], dtype=bool)
    every = (np.arange(2**16)[:, None] >> np.arange(16) & 1).reshape(-1, 4, 4)
    fits = (every.sum(1) == start.sum(0)).all(1) & (every.sum(2) == start.sum(1)).all(1)
    possible = {matrix.astype(bool).tobytes() for matrix in every[fits]}
    rng, bits, drawn = np.random.default_rng(1), pack(start), Counter()
    for _ in range(60 * len(possible)):
        trade(bits, rng, rounds=8)
        drawn[unpack(bits, 4).tobytes()] += 1
    assert set(drawn) == possible
    assert stats.chisquare(list(drawn.values())).pvalue > 0.001
