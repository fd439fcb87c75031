"""What random genes reach, against scipy's hypergeometric distribution and its rank sums."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from featurelens.enrichment.config import EnrichmentConfig
from featurelens.enrichment.random_genes import (
    attention,
    carried_by_chance,
    describe_universe,
    smallest_p,
)
from featurelens.enrichment.term_tests import GeneStatistics, test_terms_corrected
from featurelens.genesets.sets import GeneSets
from featurelens.tables.annotation import tabulate


def membership_of(sizes, n_data, n_elsewhere=0):
    """Disjoint sets of the data's first genes; each has as many genes again that the data lack."""
    genes = [f"G{number}" for number in range(n_data)]
    rows, start = [], 0
    for number, size in enumerate(sizes):
        own = genes[start : start + size]
        rows.append((f"set {number}", "", (*own, *(f"X{number}.{i}" for i in range(n_elsewhere)))))
        start += size
    rows.append(("all others", "", tuple(genes[start:])))
    return GeneSets.of(rows).membership(genes, min_genes=3, max_genes=max(sizes))


def carried(membership, length, n=4000, alpha=0.05):
    rng = np.random.default_rng(0)
    genes = np.flatnonzero(membership.in_universe)
    return carried_by_chance(np.full(n, length), genes, membership, rng, alpha=alpha)


def test_one_set_is_carried_as_often_as_the_hypergeometric_says():
    # A single set: adjusted and unadjusted are the same, the chance of its p being at most .05.
    membership = membership_of([30], 200)
    drawn = carried(membership, 20)
    law = stats.hypergeom(200, 30, 20)
    p = law.sf(np.arange(21) - 1)
    expected = law.pmf(np.arange(21))[p <= 0.05].sum()
    assert 0 < expected < 0.05
    for share in drawn[:, :2].mean(axis=0):
        assert share == pytest.approx(expected, abs=4 * np.sqrt(expected / len(drawn)))


def test_a_panel_compared_with_a_genome_carries_its_sets_by_chance():
    # The data have 40 of the 60 genes of a set, and 60 of 1,060 of the collection: against these
    # any 15 genes of the panel hold far more of the set than they should.
    membership = membership_of([40], 60, n_elsewhere=20)
    extended = replace(membership, n_in_collection=1060)
    share = carried(extended, 15).mean(axis=0)
    hits = np.arange(16)
    law = stats.hypergeom(60, 40, 15)
    here = law.sf(hits - 1)
    there = stats.hypergeom(1060, 60, 15).sf(hits - 1)
    assert there[4] < 0.05  # with four of 15 genes
    assert share[1] == pytest.approx(law.pmf(hits)[here <= 0.05].sum(), abs=0.015)
    assert share[2] == pytest.approx(law.pmf(hits)[there <= 0.05].sum(), abs=0.015)
    assert share[2] > 0.99


def test_many_sets_are_carried_unadjusted_and_few_adjusted():
    membership = membership_of([10] * 60, 620)
    adjusted, unadjusted, _ = carried(membership, 60, n=1000).mean(axis=0)
    law = stats.hypergeom(620, 10, 60)
    one = law.pmf(np.arange(11))[law.sf(np.arange(11) - 1) <= 0.05].sum()
    # Disjoint sets compete for the same genes, so that they are carried together a bit less often
    # than independent ones would be.
    assert unadjusted == pytest.approx(1 - (1 - one) ** 60, abs=0.05)
    assert unadjusted > 0.4
    assert adjusted <= 0.05 + 3 * np.sqrt(0.05 / 1000)


@pytest.mark.parametrize(("size", "n"), [(3, 10), (5, 40), (30, 70), (3, 2000)])
def test_the_smallest_p_is_that_of_scipy_for_genes_above_all_others(size, n):
    values = np.arange(n)
    expected = stats.mannwhitneyu(values[-size:], values[:-size], method="auto").pvalue
    assert smallest_p(np.array([size]), n)[0] == pytest.approx(expected)


def described(membership, n_selected, n_live=8, **config):
    """Of four features that select the first genes of the data."""
    n = len(membership.genes)
    q = np.ones((4, n))
    q[:, :n_selected] = 1e-9
    genes = GeneStatistics(
        tuple("0123"), np.full(4, 50), np.full((4, n), 2.0), np.tile(np.arange(n), (4, 1)), q
    )
    tests = test_terms_corrected(genes, membership, deg_p=1e-5, fold=2)
    config = EnrichmentConfig(**config)
    return describe_universe(tests, membership, n_live, config=config, convention="corrected")


def test_lists_are_as_long_as_those_of_the_features_and_shares_are_of_live_ones():
    membership = membership_of([30], 200)
    found = described(membership, 20)
    law = stats.hypergeom(200, 30, 20)
    expected = law.pmf(np.arange(21))[law.sf(np.arange(21) - 1) <= 0.05].sum()
    # Half of the live features were tested; a thousand lists stand for them.
    assert found["share_random_genes"] == pytest.approx(expected / 2, abs=0.01)
    assert found["n_universe"] == 200
    assert described(membership, 0)["share_random_unadjusted"] == 0
    assert found == described(membership, 20)


def test_the_table_of_a_run_shows_what_the_summary_says():
    found = described(membership_of([30], 200), 20)
    row = {"contrast": "global", "convention": "corrected", "filter": "kept_fdr", "share": 0.5}
    table = tabulate({"blood/pca/topk/sets": pd.DataFrame([row | found])})
    assert table[list(found)].iloc[0].to_dict() == found


def test_sets_are_beyond_reach_where_no_order_of_the_genes_could_declare_them():
    # Of 36 genes three can be chosen in 7,140 ways, so that 2 / 7,140 = .00028 is the smallest p.
    # Twelve sets need .05 / 12 = .0042 at a false discovery rate of .05, .00025 at one of .003.
    crowded = membership_of([3] * 12, 36)
    assert described(crowded, 2)["n_terms_beyond_reach"] == 0
    assert described(crowded, 2, alpha=0.003)["n_terms_beyond_reach"] == 12
    mixed = membership_of([3] * 11 + [4], 39)  # 2 / 9,139 and 2 / 82,251
    assert described(mixed, 2, alpha=0.001)["n_terms_beyond_reach"] == 11


def test_what_is_wrong_is_said_with_what_to_do():
    row = {
        "n_universe": 12,
        "n_terms_beyond_reach": 7,
        "n_annotated": 4,
        "share": 0.5,
        "share_genes": 0.3,
        "share_random_against_genome": 0.9,
    }
    text = attention(row, 10)
    assert "12 genes are too few to tell: 7 of 10 gene sets" in text
    assert "genes drawn at random annotate 30% of features by these tests" in text
    assert "carry a set in 90% of features when compared with all genes" in text
    fine = {"n_terms_beyond_reach": 5, "share_genes": 0.2, "share_random_against_genome": 0.4}
    assert attention(row | fine, 10) == ""
    assert attention(row | fine | {"share_genes": np.nan}, 10) == ""
