"""Edits of activations by pencil: errors that cancel, selections that run before or after."""

import numpy as np
import pytest

from featurelens.io import InputError
from featurelens.sae.model import SAE
from featurelens.steering.edits import Edit, edit_cells
from featurelens.steering.targets import Target, beyond, of_type

RNG = np.random.default_rng(3)
D, WIDTH = 4, 10


def sae(k=None, threshold=None):
    """Random weights: what it decodes is far from what it encodes."""
    W_enc, W_dec = RNG.normal(size=(2, WIDTH, D)).astype(np.float32)
    biases = RNG.normal(size=WIDTH).astype(np.float32), RNG.normal(size=D).astype(np.float32)
    return SAE("any", W_enc.T, biases[0], W_dec, biases[1], k=k, threshold=threshold)


def cells(n=50):
    X = RNG.normal(size=(n, D)).astype(np.float32)
    X[0, 0] = -0.0  # whose sign a sum with zero would lose
    return X


KINDS = {
    "relu": {},
    "topk": {"k": 3},
    "batchtopk": {"threshold": np.full(WIDTH, 0.7, dtype=np.float32)},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("selection", ["before", "after"])
@pytest.mark.parametrize("keep_error", [True, False])
@pytest.mark.parametrize("edit", [Edit(2, "add", 0.0), Edit(2, "multiply", 1.0)])
def test_an_edit_that_changes_no_activation_changes_no_byte(kind, selection, keep_error, edit):
    model, X = sae(**KINDS[kind]), cells()
    edited = edit_cells(model, X, [edit], keep_error=keep_error, selection=selection)
    before = X if keep_error else model.decode(model.encode(X))
    assert edited.after.tobytes() == edited.before.tobytes() == before.tobytes()
    assert edited.after.dtype == X.dtype


def test_ablating_a_silent_feature_leaves_those_cells_as_they_are_and_moves_the_others():
    model, X = sae(), cells()
    silent = model.encode(X)[:, 2] == 0
    assert 0 < silent.sum() < len(X)
    edited = edit_cells(model, X, [Edit(2, "ablate")])
    assert edited.after[silent].tobytes() == X[silent].tobytes()
    assert (edited.after[~silent] != X[~silent]).any(axis=1).all()


def test_the_error_of_the_sae_cancels_or_is_dropped():
    model, X = sae(), cells()
    codes = model.encode(X)
    changed = codes.copy()
    changed[:, 2] = 1.5
    error = X - model.decode(codes)
    assert np.abs(error).max() > 1
    kept = edit_cells(model, X, [Edit(2, "set", 1.5)])
    np.testing.assert_allclose(kept.after, model.decode(changed) + error, atol=1e-5)
    np.testing.assert_array_equal(kept.before, X)
    dropped = edit_cells(model, X, [Edit(2, "set", 1.5)], keep_error=False)
    np.testing.assert_allclose(dropped.after, model.decode(changed), atol=1e-5)
    np.testing.assert_array_equal(dropped.before, model.decode(codes))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit(0, "set", 2.0), [2, 2, 2]),
        (Edit(0, "add", 0.5), [0.5, 1.5, 4.5]),
        (Edit(0, "add", -2.0), [0, 0, 2]),
        (Edit(0, "multiply", 0.5), [0, 0.5, 2]),
        (Edit(0, "ablate"), [0, 0, 0]),
        (Edit(0, "set", -1.0), [0, 0, 0]),
    ],
)
def test_operations(edit, expected):
    np.testing.assert_array_equal(edit.apply(np.array([0, 1, 4], dtype=np.float32)), expected)


def test_several_features_add_up():
    model, X = sae(), cells()
    one, other = Edit(2, "set", 1.5), Edit(7, "multiply", 3.0)
    both = edit_cells(model, X, [one, other]).after - X
    apart = sum(edit_cells(model, X, [edit]).after - X for edit in (one, other))
    np.testing.assert_allclose(both, apart, atol=1e-5)


def second_selection(model, X, number, value):
    """Every activation by pencil: the edited feature first, then the largest of the others."""
    before = np.maximum(X @ model.W_enc + model.b_enc, 0)
    codes = np.zeros_like(before)
    for row, values in enumerate(before):
        others = [j for j in np.argsort(-values) if j != number]
        room = model.k - (value > 0)
        kept = others[:room]
        codes[row, kept] = values[kept]
        codes[row, number] = value
    return codes


def test_topk_a_feature_that_is_set_stays_set_before_and_after():
    model, X = sae(k=3), cells()
    codes = model.encode(X)
    by_itself = codes.copy()
    by_itself[:, 2] = 0.2
    edit = [Edit(2, "set", 0.2)]
    # Before: the others are as the encoder selected them, and up to k + 1 are active.
    before = edit_cells(model, X, edit, keep_error=False, selection="before")
    np.testing.assert_allclose(before.after, model.decode(by_itself), atol=1e-5)
    assert ((by_itself > 0).sum(axis=1) == 4).any()
    # After: no more than k, though 0.2 would never win against the others.
    again = second_selection(model, X, 2, np.float32(0.2))
    assert ((again > 0).sum(axis=1) <= 3).all()
    assert (again[:, 2] > 0).all()
    after = edit_cells(model, X, edit, keep_error=False, selection="after")
    np.testing.assert_allclose(after.after, model.decode(again), atol=1e-5)
    assert np.abs(before.after - after.after).max() > 0.1
    # Re-encoding what came out would lose it: the edit is in the codes, not asked of the encoder.
    assert (model.encode(after.after)[:, 2] == 0).any()


def test_topk_the_runner_up_comes_in_where_a_feature_goes():
    model, X = sae(k=3), cells()
    edited = edit_cells(model, X, [Edit(2, "ablate")], keep_error=False, selection="after")
    expected = model.decode(second_selection(model, X, 2, np.float32(0)))
    np.testing.assert_allclose(edited.after, expected, atol=1e-5)


@pytest.mark.parametrize("selection", ["before", "after"])
def test_batchtopk_a_feature_that_is_set_below_its_threshold_stays_set(selection):
    model, X = sae(**KINDS["batchtopk"]), cells()
    changed = model.encode(X)
    changed[:, 2] = 0.2  # the threshold is .7
    edited = edit_cells(model, X, [Edit(2, "set", 0.2)], keep_error=False, selection=selection)
    np.testing.assert_allclose(edited.after, model.decode(changed), atol=1e-5)


def test_features_that_are_not_there_are_refused():
    model, X = sae(), cells()
    with pytest.raises(InputError, match="no feature 10: the SAE has 10 features, 0 to 9"):
        edit_cells(model, X, [Edit(10)])
    with pytest.raises(InputError, match="feature 2 is edited twice"):
        edit_cells(model, X, [Edit(2), Edit(2, "ablate")])
    with pytest.raises(InputError, match="no feature to edit"):
        edit_cells(model, X, [])


# --- targets -----------------------------------------------------------------------------------

ACTIVATION = np.array([0, 0, 1, 2, 3, 0, 0, 4, 8, 8], dtype=np.float32)
TYPES = np.repeat(["a", "b"], 5)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target(cell_type="a"), 1.2),
        (Target(cell_type="a", factor=1.5), 1.8),
        (Target(rule="quantile", quantile=0.75, cell_type="a"), 2),
        (Target(rule="maximum", cell_type="a"), 3),
        (Target(rule="maximum"), 8),
        (Target(rule="value", value=5, factor=2), 10),
    ],
)
def test_values_by_rule(target, expected):
    assert target.of(ACTIVATION, TYPES) == pytest.approx(expected)


def test_types_with_too_few_cells_and_values_beyond_the_range():
    with pytest.raises(InputError, match=r"no cell is of type 'c'; the types are a, b"):
        of_type(TYPES, "c")
    with pytest.raises(InputError, match="cell type 'b' has 4 cells, 5 are the fewest"):
        of_type(TYPES[:-1], "b")
    assert beyond(8.0, ACTIVATION) == ""
    assert "1.5 times the highest activation of any cell, 8" in beyond(12.0, ACTIVATION)
    assert "below zero" in beyond(-1.0, ACTIVATION)
