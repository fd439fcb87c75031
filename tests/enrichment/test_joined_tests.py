"""Tests of terms that are made for some features at a time and joined."""

import dataclasses

import numpy as np
import pytest

from featurelens.enrichment.term_tests import TermTests, join_tests

N_TERMS = 3


def made_tests(names: list[str], rng: np.random.Generator, order: str) -> TermTests:
    """Made tests; their values lie in memory by feature (C) or by term (F)."""
    shape = (len(names), N_TERMS)

    def drawn() -> np.ndarray:
        return np.asarray(rng.normal(size=shape), order=order)

    return TermTests(
        features=tuple(names),
        n_low=rng.integers(1, 9, len(names)),
        share=np.array([0.1, 0.2, 0.3]),
        n_hits=np.asarray(rng.integers(0, 9, shape, dtype=np.int32), order=order),
        n_selected=np.asarray(rng.integers(0, 9, shape, dtype=np.int32), order=order),
        higher=drawn() > 0,
        log_p_hits=drawn(),
        p_mannwhitney=drawn(),
        z_mannwhitney=drawn(),
        effect=drawn(),
        score=drawn(),
    )


@pytest.mark.parametrize("order", ["C", "F"])
def test_joined_tests_are_those_of_the_parts_one_below_another(order: str) -> None:
    rng = np.random.default_rng(0)
    parts = [made_tests(names, rng, order) for names in (["4", "7"], [], ["9"], ["10", "11", "12"])]
    joined = join_tests(iter(parts))
    assert joined.features == ("4", "7", "9", "10", "11", "12")
    np.testing.assert_array_equal(joined.share, parts[0].share)
    for field in dataclasses.fields(TermTests):
        if field.name not in ("features", "share"):
            expected = np.concatenate([getattr(part, field.name) for part in parts])
            np.testing.assert_array_equal(getattr(joined, field.name), expected)


def test_parts_are_not_changed_by_joining_them() -> None:
    rng = np.random.default_rng(1)
    first, second = made_tests(["0"], rng, "F"), made_tests(["1"], rng, "F")
    before = first.effect.copy()
    join_tests([first, second])
    np.testing.assert_array_equal(first.effect, before)
